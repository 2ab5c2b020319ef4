"""Makes many JPEGs of a few large pictures, by crops of them, for benchmarks of reading.

    python benchmarks/many_pictures.py --photos=/usr/share/backgrounds --n=200000 --output=runs/many

writes 256x256 JPEGs (quality 90) of squares at random places and in random sizes, 1,000 in a folder; picture i follows
from i alone, so that the command goes on where it was cut. Debian's packages gnome-backgrounds, mate-backgrounds and
plasma-workspace-wallpapers hold photographs that are large enough.
"""

import pathlib
import sys

import numpy as np
from absl import app, flags
from PIL import Image
from tqdm import tqdm

from kerasgan.data import SUFFIXES

FLAGS = flags.FLAGS
flags.DEFINE_string("photos", "/usr/share/backgrounds", "a folder with large pictures in it")
flags.DEFINE_integer("n", 200_000, "how many to make", lower_bound=1)
flags.DEFINE_string("output", "runs/many", "the folder of the pictures")

SIDE, QUALITY, TOGETHER = 256, 90, 1000
LARGEST = 2560  # pixels to which the longer side of a photo is brought first


def main(_):
    files = sorted(path for path in pathlib.Path(FLAGS.photos).rglob("*") if path.suffix.lower() in SUFFIXES)
    photos = [photo for photo in map(_open, tqdm(files, desc="opening photos")) if min(photo.size) >= 2 * SIDE]
    if not photos:
        return f"--photos={FLAGS.photos} holds no picture of {2 * SIDE} pixels or more."
    output = pathlib.Path(FLAGS.output)
    for i in tqdm(range(FLAGS.n), desc=f"writing to {output}"):
        path = output / f"{i // TOGETHER:04d}" / f"{i:07d}.jpg"
        if path.is_file() and path.stat().st_size:
            continue
        random = np.random.default_rng(i)
        photo = photos[random.integers(len(photos))]
        side = int(random.integers(SIDE, min(photo.size) + 1))
        left, top = (int(random.integers(length - side + 1)) for length in photo.size)
        crop = photo.resize(
            (SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + side, top + side), reducing_gap=2
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        crop.save(path, quality=QUALITY)
    return 0


def _open(path):
    with Image.open(path) as image:
        image.thumbnail((LARGEST, LARGEST))
        return image.convert("RGB")


if __name__ == "__main__":
    app.run(lambda argv: sys.exit(main(argv)))
