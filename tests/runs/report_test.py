"""Reports of runs: each sign by numbers worked out by hand, and the page by a parser."""

import base64
import csv
import html.parser
import io
import json
import math
import re
import shlex
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf
from conftest import quarters_gan, small_gan, weights_of
from PIL import Image

from kerasgan import callbacks, runs
from kerasgan.cli import train as train_command
from kerasgan.runs import report
from kerasgan.runs.folder import reason_of
from kerasgan.runs.report import meanings, measured, page, pictures, signs


def config_of(model="vanilla_gan", shape=(28, 28, 1), **options):
    recipe = {"image_shape": shape, "loss": "non_saturating", "d_steps": 1, "penalties": None, "augment": None}
    recipe |= {"ema_decay": None, "learning_rate": 2e-4, "generator_learning_rate": 1e-3, "classes": None}
    split = options.pop("validation_split", None)
    own = {name: options.pop(name) for name in ("epochs", "steps") if name in options}
    return runs.Config(model, "digits", "train", **{"epochs": 10, **own}, batch_size=10, recipe=recipe | options,
                       validation_split=split)  # fmt: skip


def past_of(config=None, finished=True, reason=None, epochs=10, **columns):
    history = {"epoch": [*range(1, epochs + 1)], "step": [1000 * i for i in range(1, epochs + 1)]}
    history |= {name: values if isinstance(values, list) else [values] * epochs for name, values in columns.items()}
    return report.Past("runs/mine", config or config_of(), history, finished, reason)


def measured_of(**found):
    return report.Measured(10_000, 0, 500, **found)


# Of numpy, for Keras's authors; Python shows it to nobody else, but pytest does.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


# -- the signs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "level", "says"),
    [
        ({"d_loss": 1.2, "g_loss": 0.9}, "good", "finite in every epoch"),
        ({"d_loss": 1.2, "g_loss": [0.9] * 8 + [math.nan] * 2}, "bad", "g_loss is no finite number from epoch 9 on"),
        ({"d_loss": [1.2] * 9 + [-12.5], "g_loss": 0.9}, "bad", "d_loss is -12.5 in the last epoch, and was 1.2"),
        ({"d_loss": [1.2] * 9 + [11.5], "g_loss": 0.9}, "good", ""),  # 10 times 1.2 is 12
    ],
)
def test_divergence(columns, level, says):
    found = signs.divergence(past_of(**columns))
    assert found.level == level
    assert says in found.found
    options = [option for _, option in found.tries]
    assert (level == "bad") == ("--learning_rate=0.0001" in options) == ("--generator_learning_rate=0.0005" in options)


def test_divergence_gives_the_reason_that_ended_it():
    found = signs.divergence(past_of(d_loss=1.0, g_loss=1.0, reason="Training diverged at step 7: d_loss is nan."))
    assert (found.level, found.found) == ("bad", "Training diverged at step 7: d_loss is nan.")
    assert signs.divergence(past_of()) is None  # a history without losses


@pytest.mark.parametrize(
    ("columns", "level", "title"),
    [
        ({"jsd": 0.2, "d_real": 0.7, "d_fake": 0.3}, "good", "A game"),
        ({"jsd": [0.2] * 8 + [0.65] * 2, "d_real": 0.9, "d_fake": 0.1}, "bad", "has won"),
        ({"jsd": 0.59, "d_real": 0.995, "d_fake": 0.005}, "bad", "has won"),
        ({"jsd": [0.69] * 8 + [0.4] * 2, "d_real": 0.9, "d_fake": 0.1}, "watch", "far ahead"),
        ({"jsd": -0.06, "d_real": 0.48, "d_fake": 0.5}, "watch", "cannot follow"),
        ({"jsd": 0.01, "d_real": 0.51, "d_fake": 0.5}, "watch", "hardly any difference"),
        ({"pair_jsd": 0.24, "pair_accuracy": 0.8}, "good", "A game"),
        ({"pair_jsd": 0.61, "pair_accuracy": 0.97}, "bad", "has won"),
        ({"energy_real": 9.7, "energy_fake": 9.4}, "good", "about the same energy"),
        ({"energy_real": 9.0, "energy_fake": 7.0}, "watch", "what is easy"),  # .78
    ],
)
def test_who_is_ahead(columns, level, title):
    found = signs.game(past_of(**columns))
    assert (found.level, title in found.title) == (level, True)


def test_who_is_ahead_is_not_said_of_other_losses():
    assert signs.game(past_of(critic_gap=3.0)) is None


@pytest.mark.parametrize(
    ("spread", "gap", "classes", "level"),
    [
        (0.95, 0.9, {}, "good"),
        (0.83, 0.29, {}, "bad"),
        (0.45, 0.9, {}, "bad"),
        (0.95, 0.5, {}, "watch"),
        (0.65, 0.9, {}, "watch"),
        (0.95, 0.9, {"cats": 0.9, "dogs": 0.4}, "bad"),
        (0.95, 0.9, {"cats": 0.9, "dogs": 0.8}, "good"),
    ],
)
def test_collapse(spread, gap, classes, level):
    found = signs.collapse(past_of(), measured_of(spread=spread, gap=gap, class_spreads=classes))
    assert found.level == level
    assert ("of dogs" in found.found) == bool(classes)
    tries = [option for _, option in found.tries[:2]]
    assert tries == ([] if level == "good" else ["--generator_learning_rate=0.0005", "--d_steps=2"])


@pytest.mark.parametrize(
    ("share", "error", "level"),
    [(0.2, 0.03, "good"), (0.36, 0.05, "watch"), (0.75, 0.08, "bad"), (0.4, 0.15, "unknown"), (-1.9, 1.3, "unknown")],
)
def test_overfitting(share, error, level):
    gap = measured.Gap(2.0, 2.0 - 3.0 * share, -1.0, share, error, 300)
    found = signs.overfitting(past_of(), measured_of(overfitting=gap, held_out="test"))
    assert found.level == level
    assert "held-out ones of test" in found.found
    options = [option for _, option in found.tries]
    assert ("--augment=color,translation" in options) == (level in ("watch", "bad"))
    assert any("--validation_split" in str(option) for option in options) == (level in ("watch", "bad"))


@pytest.mark.parametrize(("closer", "level"), [(0.5, "good"), (0.66, "good"), (0.8, "watch"), (0.95, "bad")])
def test_copies(closer, level):
    found = signs.copies(past_of(), measured_of(closer=closer, searched=1234))
    assert found.level == level
    assert f"1,234 training pictures than a held-out one in {closer:.0%}" in found.found
    assert signs.copies(past_of(config_of(shape=(2,))), measured_of()) is None


def test_what_was_not_measured_says_why():
    why = {"overfitting": "There are no others."}
    found = signs.overfitting(past_of(), measured_of(left_out=why))
    assert (found.level, found.found) == ("unknown", "There are no others.")
    assert signs.collapse(past_of(), None).level == "unknown"


def test_the_best_epoch():
    falling, rising = [100.0 - i for i in range(10)], [10.0, 8.0, 9.0, 10.0]
    assert signs.best_epoch(past_of(fcd=falling)).level == "good"
    found = signs.best_epoch(past_of(fcd=rising, epochs=4))
    assert found.level == "watch"  # 10 is more than 1.1 times 8
    assert "fcd is 8 in epoch 2 and 10 in epoch 4" in found.found
    assert [option for _, option in found.tries][:2] == [
        "kerasgan preset --run=runs/mine --output=presets/NAME",
        "--epochs=2",
    ]
    assert signs.best_epoch(past_of(fcd=[10.0, 8.0, 8.5, 8.7], epochs=4)).level == "good"
    assert signs.best_epoch(past_of()) is None


@pytest.mark.parametrize(
    ("scores", "epochs", "finished", "level", "says"),
    [
        ([40.0, 30.0, 25.0, 20.0], 4, True, "watch", "fcd of the last quarter of the epochs is 20, of those before 25"),
        ([40.0, 30.0, 20.0, 19.5], 4, True, "good", "19.5"),
        (None, 2, True, "watch", "2,000 generator updates"),
        (None, 10, True, "good", "10,000 generator updates"),
        (None, 3, False, "watch", "3,000 steps in 3 epochs so far, of 10 epochs"),
    ],
)  # fmt: skip
def test_length(scores, epochs, finished, level, says):
    found = signs.length(past_of(finished=finished, epochs=epochs, **({} if scores is None else {"fcd": scores})))
    assert found.level == level
    assert says in found.found
    if level == "watch":
        assert found.tries[0][1] == "kerasgan train --output=runs/mine --resume" + (" --epochs=20" if finished else "")


def test_a_schedule_that_has_ended_is_not_gone_on_with():
    config = config_of(learning_rate="cosine(0.001, 0, 2000)")
    found = signs.length(past_of(config, epochs=2))
    assert [option for _, option in found.tries] == ["--epochs=20"]


def test_those_that_ask_for_something_come_first():
    past = past_of(d_loss=1.0, g_loss=1.0, jsd=-0.06, d_real=0.4, d_fake=0.5)
    found = signs.find(past, measured_of(spread=0.1, gap=0.1))
    levels = [each.level for each in found]
    assert levels == ["bad", "watch", "unknown", "unknown", "good", "good"]
    # What has collapsed is not to be gone on with, however short it was.
    short = past_of(epochs=2)
    assert "length" in {each.sign for each in signs.find(short, measured_of(spread=1.0, gap=1.0))}
    assert "length" not in {each.sign for each in signs.find(short, measured_of(spread=0.1, gap=0.1))}


@pytest.mark.parametrize("family", ["vanilla_gan", "dcgan", "ebgan", "infogan", "r3gan"])
def test_options_that_are_proposed_exist(family, tmp_path):
    """For every family: what any sign proposes `kerasgan train` reads, and a run can be made of."""
    np.savez(tmp_path / "images.npz", np.zeros((200, 32, 32, 3), np.uint8))
    config = runs.resolve(family, str(tmp_path / "images.npz"))
    bad = measured_of(spread=0.1, gap=0.1, closer=0.99, overfitting=measured.Gap(2, -1, -1, 1.0, 0.01, 100))
    pasts = [
        past_of(config, d_loss=1.0, g_loss=math.nan, jsd=0.69, d_real=1.0, d_fake=0.0, fcd=[1.0] * 9 + [2.0]),
        past_of(config, jsd=0.01),
        past_of(config, jsd=-0.1),
        past_of(config, energy_real=2.0, energy_fake=1.0),
    ]
    proposed = {option for past in pasts for each in signs.find(past, bad) for _, option in each.tries if option}
    flags = {word for option in proposed if option.startswith("--") for word in shlex.split(option)}
    assert {"--augment=color,translation", "--augment=adaptive"} & flags
    for flag in flags - {"--model=dcgan"}:
        options = train_command.define()
        options.parse([flag, f"--model={family}", f"--dataset={config.dataset}"])
        asked = train_command._asked(options.values, options)
        runs.resolve(**{name: value for name, value in asked.items() if name != "split" or value is not None})


# -- what is measured -------------------------------------------------------------------------------------------------


def test_distances():
    triangle = [[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]]  # sides of 3, 4 and 5
    assert measured.mean_distance(triangle) == pytest.approx(4.0)
    assert measured.nearest_distance(triangle) == pytest.approx(3.0)  # of 3, 3 and 4
    assert measured.nearest_distance(np.ones((5, 4, 4, 1))) == 0.0
    assert math.isnan(measured.mean_distance([[1.0]]))


def test_how_often_one_is_closer():
    assert measured.share_closer([1.0, 2.0], [2.0, 3.0]) == 0.875  # 1<2, 1<3, 2=2 (half), 2<3
    assert measured.share_closer([5.0], [1.0, 2.0]) == 0.0


def test_overfitting_of_numbers():
    """r = (4 - 1) / (4 - (-2)) = .5; each mean has a variance of 1/2 (of 2 numbers 2 apart, 2 / 2 ... /2 = 1)."""
    gap = measured.overfitting_of([3.0, 5.0], [0.0, 2.0], [-3.0, -1.0])
    assert (gap.training, gap.held_out, gap.generated, gap.share, gap.n) == (4.0, 1.0, -2.0, 0.5, 2)
    # Derivatives by the means: .5/6, -1/6 and .5/6; the variance of each mean is 2/2 = 1.
    assert gap.error == pytest.approx(math.sqrt(0.25 + 1.0 + 0.25) / 6)
    # Energies point the other way, and the quotient does not change.
    assert measured.overfitting_of([-3.0, -5.0], [0.0, -2.0], [3.0, 1.0]).share == 0.5
    assert math.isnan(measured.overfitting_of([1.0, 1.0], [1.0, 1.0], [1.0, 1.0]).share)


def test_a_gan_is_measured_and_left_as_it_was():
    gan = small_gan()
    before = weights_of(gan)
    samples = gan.generate(40, 100)
    training = measured.Real(samples, None, "train")
    unseen = measured.Real(np.random.default_rng(0).random((30, 8, 8, 1), np.float32), None, "test")
    found = measured.measure(gan, training, unseen, 20)
    assert (found.step, found.n, found.searched, found.held_out) == (0, 20, 40, "test")
    assert found.spread == pytest.approx(1.0, abs=0.3)  # of the same generator
    assert found.closer == 1.0  # noise is far from everything that it draws
    assert found.overfitting.n == 20
    by_hand = gan.discriminator(gan.from_unit_range(samples), training=False).numpy()
    assert by_hand.min() <= found.overfitting.training <= by_hand.max()
    playing = gan.generator(gan.latent.from_seeds(tf.range(20, dtype=tf.int64)), training=False)
    expected = gan.discriminator(playing, training=False).numpy().mean()
    assert found.overfitting.generated == pytest.approx(expected, rel=1e-5)
    for now, old in zip(weights_of(gan), before, strict=True):
        np.testing.assert_array_equal(now, old)


def test_classes_that_have_collapsed_are_found():
    """Of quarters_gan's noise only the first number and the second move a sample, by little; real ones vary more."""
    gan = quarters_gan()
    rng = np.random.default_rng(0)
    real = measured.Real(rng.random((80, 8, 8, 1), np.float32), np.arange(80) % 4, "train")
    found = measured.measure(gan, real, None, 40)
    assert set(found.class_spreads) == {"a", "b", "c", "d"}
    one = measured.mean_distance(gan.generate(measured.OF_A_CLASS, 0, labels=1))
    assert found.class_spreads["b"] == pytest.approx(one / measured.mean_distance(real.samples[1::4]))
    # D's own column: with labels, that of each sample.
    unseen = measured.Real(real.samples, real.labels, "test")
    gap = measured.measure(gan, real, unseen, 80).overfitting
    columns = gan.discriminator(gan.from_unit_range(real.samples), training=False).numpy()
    assert gap.training == pytest.approx(columns[np.arange(80), real.labels].mean(), rel=1e-5)
    assert gap.share == 0.0


# -- the page ---------------------------------------------------------------------------------------------------------

WHERE = {"src", "href", "data", "action", "poster", "srcset", "background"}


class Parser(html.parser.HTMLParser):
    """Notes tags, headings, images, and whether every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.headings, self.images, self.addresses, self.said = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.images.append(dict(attributes))
        self.addresses += [value for name, value in attributes if name in WHERE]
        assert not any(name.startswith("on") for name, _ in attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)


def check_page(path):
    """That a page parses, loads nothing, runs nothing, and can be read aloud; gives the parser."""
    text = path.read_text(encoding="utf-8")
    parsed = Parser(text)
    assert all(address.startswith("data:") for address in parsed.addresses)
    assert not re.search(r"url\(|@import", text)
    assert not {"script", "iframe", "object", "form", "base"} & set(parsed.tags)
    assert parsed.headings[0] == 1
    assert all(after - before <= 1 for before, after in zip(parsed.headings, parsed.headings[1:], strict=False))
    assert '<html lang="en">' in text
    assert 'name="viewport"' in text
    for image in parsed.images:
        assert image["alt"]
        content = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.format == "PNG"
            assert picture.size == (int(image["width"]), int(image["height"]))
    return parsed


EVIL = "<script>alert(1)</script>"


@pytest.fixture
def labelled(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 6, 6, 1), dtype=np.uint8)
    names = [EVIL, '"><img src=x onerror=y>', "cats & dogs"]
    np.savez(tmp_path / "labelled.npz", images=images, labels=np.arange(60) % 3, class_names=names)
    return str(tmp_path / "labelled.npz")


def small_config(dataset, **options):
    small = {"generator_units": 8, "discriminator_units": 4}
    return runs.resolve("vanilla_gan", dataset, **{"epochs": 2, "batch_size": 10, **small, **options})


def test_names_from_files_are_escaped(labelled, tmp_path):
    config = small_config(labelled, conditional=True, split="train[:40]", loss="kl")
    run = tmp_path / "<b onclick=x>&amp;'"
    runs.train(config, run, verbose=0)
    check_page(run / "report.html")
    with open(run / "history.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(run / "history.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [*rows[0], EVIL])
        table.writeheader()
        table.writerows({**row, EVIL: 1.5} for row in rows)
    written, found = report.write(run, n=20)
    parsed = check_page(written)
    assert EVIL in parsed.said  # as text: the title of its curve
    assert any("<b onclick=x>&amp;'" in text for text in parsed.said)
    assert {"divergence", "game", "collapse", "overfitting", "copies"} <= {each.sign for each in found}
    assert "held-out ones of train[40:]" in next(each.found for each in found if each.sign == "overfitting")


def test_a_run_says_how_it_went(labelled, tmp_path):
    run = tmp_path / "run"
    runs.train(small_config(labelled, split="train[:40]"), run, verbose=0)
    after = check_page(run / "report.html")
    assert "".join(after.said).count("kerasgan report") >= 2  # what was too long to measure
    written, _ = report.write(run, tmp_path / "elsewhere.html", n=20)
    assert written == tmp_path / "elsewhere.html"
    parsed = check_page(written)
    said = "".join(parsed.said)
    assert "finished: 2 epochs, 8 steps, of 2 epochs" in said
    assert "held-out ones of train[40:]" in said
    assert "with 20 samples of each kind at most and seed 0" in said
    assert sum(image["alt"].startswith("Generated samples after") for image in parsed.images) == 3
    assert "Curve: d_loss from" in "".join(image["alt"] for image in parsed.images)


def test_without_held_out_samples_it_says_which_option_keeps_some(labelled, tmp_path):
    runs.train(small_config(labelled, epochs=1), tmp_path / "run", verbose=0)
    _, found = report.write(tmp_path / "run", n=20)
    of = {each.sign: each for each in found}
    assert of["overfitting"].level == of["copies"].level == "unknown"
    assert "--split='train[:90%]' --validation_split='train[90%:]'" in of["overfitting"].found
    assert of["collapse"].level != "unknown"


def test_points_on_a_ring(tmp_path):
    config = runs.resolve("vanilla_gan", "ring", "train[:200]", epochs=2, batch_size=50, validation_split="test[:100]")
    runs.train(config, tmp_path / "run", verbose=0)
    said = "".join(check_page(tmp_path / "run" / "report.html").said)
    assert "held-out ones of test[:100]" in said
    assert "frechet_distance" in said
    written, found = report.write(tmp_path / "run", n=50)
    assert "copies" not in {each.sign for each in found}
    assert "Nearest training pictures" not in "".join(check_page(written).said)


def test_a_diverged_run_gives_its_reason_until_it_is_begun_anew(labelled, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(runs.DivergedError), pytest.warns(match="No checkpoint was written"):
        runs.train(small_config(labelled, epochs=9, learning_rate=1e30), run, verbose=0)
    assert reason_of(run).startswith("Training diverged at step")
    assert "The training diverged" in "".join(check_page(run / "report.html").said)
    _, found = report.write(run)
    assert (found[0].sign, found[0].level) == ("divergence", "bad")
    assert "Training diverged at step" in found[0].found
    runs.train(small_config(labelled), run, overwrite=True, verbose=0)
    assert reason_of(run) is None
    (run / "diverged.json").write_text("[1")
    assert reason_of(run) is None


def test_while_a_run_is_trained(labelled, tmp_path, monkeypatch):
    """Before its first epoch, and in the midst of it; no checkpoint is touched, and the training goes on."""
    run, seen = tmp_path / "run", []

    def look(self, batch, logs=None):
        if self.model.step.numpy() in (2, 6):
            before = sorted((path.name, path.stat().st_mtime_ns) for path in (run / "checkpoints").glob("*"))
            written, found = report.write(run, tmp_path / f"{len(seen)}.html", n=20)
            after = sorted((path.name, path.stat().st_mtime_ns) for path in (run / "checkpoints").glob("*"))
            assert before == after
            seen.append((check_page(written), {each.sign: each for each in found}))

    with monkeypatch.context() as patched:
        patched.setattr(callbacks.SampleGrid, "on_train_batch_end", look)
        runs.train(small_config(labelled, split="train[:40]"), run, verbose=0)
    (first, signs_first), (_, signs_second) = seen
    assert "No epoch has ended yet." in "".join(first.said)
    assert signs_first["collapse"].level == "unknown"
    assert signs_second["collapse"].level != "unknown"
    assert "4 steps in 1 epochs so far, of 2 epochs" in signs_second["length"].found
    assert (run / "final.keras").is_file()


def test_a_report_that_cannot_be_written_is_one_warning(labelled, tmp_path, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("no room\nin two lines")

    monkeypatch.setattr(report, "find", broken)
    with pytest.warns(match=r"report.html could not be written: no room$"):
        runs.train(small_config(labelled, epochs=1), tmp_path / "run", verbose=0)
    assert (tmp_path / "run" / "final.keras").is_file()
    assert not (tmp_path / "run" / "report.html").exists()


def test_data_that_are_gone(labelled, tmp_path):
    runs.train(small_config(labelled, epochs=1), tmp_path / "run", verbose=0)
    shutil.move(labelled, tmp_path / "moved.npz")
    written, found = report.write(tmp_path / "run", n=20)
    of = {each.sign: each for each in found}
    assert of["collapse"].found.startswith("The training samples cannot be read:")
    check_page(written)


def test_a_damaged_history(labelled, tmp_path):
    run = tmp_path / "run"
    runs.train(small_config(labelled, epochs=1), run, verbose=0)
    for content in ("epoch,step\n1,two\n", "epoch,step\n1,2,3\n", "loss\n1\n", "epoch,step\n,\n"):
        (run / "history.csv").write_text(content)
        with pytest.raises(ValueError, match=r"^Cannot read .*history.csv: .*\.$"):
            report.write(run)
    (run / "history.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"^Cannot read .*history.csv: "):
        report.write(run)
    (run / "config.json").unlink()
    with pytest.raises(ValueError, match="holds no run"):
        report.write(run)


def test_pictures_over_time(tmp_path):
    for step in range(0, 3000, 100):
        Image.new("L", (30, 20), step // 100).save(tmp_path / f"step-{step:08d}.png")
    found = pictures.frames_of(tmp_path)
    assert len(found) == pictures.FRAMES
    assert (found[0][0], found[-1][0]) == (0, 2900)
    assert pictures.frames_of(tmp_path, 250)[-1][0] == 200
    (tmp_path / "cut.png").write_bytes((tmp_path / "step-00000000.png").read_bytes()[:40])
    assert pictures.of_file(tmp_path / "cut.png") is None
    noise = np.random.default_rng(0).integers(0, 256, (900, 1300, 3), dtype=np.uint8)
    uri, width, height = pictures.of_pixels(noise)
    assert (width, height) == (640, 443)
    assert len(uri) < 500_000


def test_columns_and_what_they_mean():
    history = {"epoch": [1, 2], "step": [5, 10], "val_jsd": [0.1, 0.2], "jsd": [0.1, 0.2], "value": [-1.0, -1.1]}
    history |= {"mine": [1.0, 2.0], "empty": [math.nan] * 2, "mutual_information_categorical_0": [1.0, 2.0]}
    found = meanings.panels_of(history)
    assert [names for _, names, _ in found] == [["jsd", "value", "val_jsd"], [*history][-1:], ["mine"]]
    assert [bool(sentence) for _, _, sentence in found] == [True, True, False]


def test_code_in_sentences():
    assert page.paragraph("a `<b>` c") == "<p>a <code>&lt;b&gt;</code> c</p>\n"
    assert page.paragraph("a ` <") == "<p>a ` &lt;</p>\n"


def test_old_runs(tmp_path):
    """One of a kerasgan before this one, whose pictures are not known."""
    old = types.SimpleNamespace(folder=tmp_path / "old")
    here = __file__.rpartition("/runs/")[0]
    shutil.copytree(f"{here}/before/ring_run", old.folder)
    written, found = report.write(old.folder, n=30)
    check_page(written)
    assert {each.sign: each.level for each in found}["divergence"] == "good"
    assert json.loads((old.folder / "config.json").read_text())["versions"]["kerasgan"] == "0.1.0.dev0"
