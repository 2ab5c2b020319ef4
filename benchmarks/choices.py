"""What `kerasgan train PHOTOS` should choose: augmentation and precision, by how many pictures there are.

    python benchmarks/choices.py --dataset=noto_emoji [--steps=2000] [--pictures=100,1000,0]
    python benchmarks/choices.py --dataset=fashion_mnist --steps=3000

trains the small R3GAN (by class from 1,000 pictures on) for so many updates of 16 on the first 100, the first 1,000 and
all training pictures (0), with each kind of augmentation, and scores 1,000 samples against pictures that were not
trained on: all of validation and test (emoji), or 2,000 of the test images (clothes). Prints a table in the page's
form. A command that was cut goes on: trainings lie in `--folder`, scores beside them in `scores.json`.

`--precision=float32,bfloat16` asks for the one beside the other; their updates are then as many, and not their time.
"""

import dataclasses
import itertools
import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags

from kerasgan import GAN, data, evaluation, runs
from kerasgan.files import replacing

FLAGS = flags.FLAGS
flags.DEFINE_enum("dataset", "noto_emoji", ["noto_emoji", "fashion_mnist"], "pictures of 64x64 in colour, or clothes")
flags.DEFINE_integer("steps", 2000, "updates of 16", lower_bound=1)
flags.DEFINE_list("pictures", ["100", "1000", "0"], "how many are trained on; 0 is all")
flags.DEFINE_list("augment", ["none", "growing", "half"], "kinds: none, growing to one half, one half throughout")
flags.DEFINE_list("precision", ["float32"], "float32, bfloat16")
flags.DEFINE_string("folder", "runs/choices", "of the trainings and scores")

SIDES = {"noto_emoji": (64, 64, 3), "fashion_mnist": (28, 28, 1)}
UNSEEN = {"noto_emoji": ("validation", "test"), "fashion_mnist": ("test[:2000]",)}
KINDS = {"none": None, "growing": "cosine(0, 0.5, {steps})", "half": "0.5"}
CLASSES_FROM = 1000  # pictures: of fewer some classes have no ten
N, SHOWN = 1000, ("kid", "fcd", "precision", "recall", "coverage", "nearest_training_image")


@dataclasses.dataclass(frozen=True)
class Case:
    """One training."""

    pictures: int
    augment: str
    precision: str

    @property
    def name(self) -> str:
        return f"{FLAGS.dataset}_{self.pictures or 'all'}_{self.augment}_{self.precision}_{FLAGS.steps}"

    @property
    def split(self) -> str:
        return f"train[:{self.pictures}]" if self.pictures else "train"

    def train(self, folder: pathlib.Path) -> GAN:
        """Begins a training, goes on with it, or loads what has come of it."""
        if (folder / "final.keras").is_file():
            return GAN.from_preset(folder / "final.keras")
        probability = KINDS[self.augment]
        augment = ""
        if probability is not None:
            augment = f"diffaugment(color, translation, probability={probability.format(steps=FLAGS.steps)})"
        config = runs.resolve(
            "r3gan",
            FLAGS.dataset,
            self.split,
            image_shape=SIDES[FLAGS.dataset],
            steps=FLAGS.steps,
            conditional=not 0 < self.pictures < CLASSES_FROM,
            small=True,
            schedule_images=16 * FLAGS.steps,
            augment=augment,
            precision=self.precision,
        )
        return runs.train(config, folder, resume=runs.holds_run(folder), checkpoint_steps=250)


def main(_):
    folder = pathlib.Path(FLAGS.folder)
    known = {"augment": tuple(KINDS), "precision": ("float32", "bfloat16")}
    for name, options in known.items():
        for value in FLAGS[name].value:
            if value not in options:
                return f"--{name} takes {', '.join(options)}; found {value!r}."
    if not all(value.isdigit() for value in FLAGS.pictures):
        return f"--pictures takes whole numbers, 0 for all; found {','.join(FLAGS.pictures)}."
    cases = [
        Case(int(pictures), augment, precision)
        for pictures, augment, precision in itertools.product(FLAGS.pictures, FLAGS.augment, FLAGS.precision)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scores.json"
    scores = json.loads(file.read_text()) if file.is_file() else {}
    shape = SIDES[FLAGS.dataset]
    unseen = None
    for case in cases:
        if case.name in scores:
            continue
        print(case.name, file=sys.stderr, flush=True)
        gan = case.train(folder / case.name)
        if unseen is None:
            unseen = np.concatenate([data.load_array(FLAGS.dataset, split, shape) for split in UNSEEN[FLAGS.dataset]])
        training = data.load_array(FLAGS.dataset, case.split, shape)
        judge = evaluation.Judge(unseen, dataset=FLAGS.dataset, progress=True)
        samples = evaluation.generate(gan, N, 0, progress=True)
        found = judge.score(samples, 0)[0] | evaluation.Judge(
            unseen, training, features=False, dataset=FLAGS.dataset
        ).nearest(samples, 0)
        scores[case.name] = {name: [found[name].value, found[name].error] for name in SHOWN}
        with replacing(file) as temporary:
            temporary.write_text(json.dumps(scores, indent=1))
    print(f"{FLAGS.dataset}, {FLAGS.steps:,} updates of 16, {N:,} samples, seed 0")
    print("| pictures | augmentation | precision | " + " | ".join(SHOWN) + " |")
    print("|---" * (3 + len(SHOWN)) + "|")
    for case in cases:
        cells = [f"{value:.3g}" + (f" ± {error:.1g}" if error else "") for value, error in scores[case.name].values()]
        print(f"| {case.pictures or 'all'} | {case.augment} | {case.precision} | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    app.run(lambda argv: sys.exit(main(argv)))
