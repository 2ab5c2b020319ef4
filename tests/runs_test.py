"""Run folders: what they hold, and that a cut run ends as an uncut one."""

import dataclasses
import json
import re
import shlex
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from conftest import assert_same_weights

import kerasgan
from kerasgan import callbacks, data, presets, registry, runs
from kerasgan.files import size_of


@pytest.fixture
def dataset(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 6, 6, 1), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    return str(tmp_path / "images.npz")


def config_for(dataset, **options):
    small = {"generator_units": 8, "discriminator_units": 4}
    return runs.resolve("vanilla_gan", dataset, **{"epochs": 3, "batch_size": 10, **small, **options})


def test_a_run_leaves_everything(dataset, tmp_path):
    output = tmp_path / "run"
    gan = runs.train(config_for(dataset, loss="kl", ema_decay=0.9), output, verbose=0)
    assert {p.name for p in output.iterdir()} == {*runs.PARTS} - {"best.keras", "diverged.json"}
    assert int(gan.step.numpy()) == 9
    config = json.loads((output / "config.json").read_text())
    assert config["recipe"]["loss"] == "kl"
    assert config["recipe"]["learning_rate"] == 0.1
    assert config["versions"]["keras"]
    assert runs.read_config(output) == config_for(dataset, loss="kl", ema_decay=0.9)
    table = callbacks.read_history(output / "history.csv")
    assert table["epoch"] == [1, 2, 3]
    assert table["step"] == [3, 6, 9]
    drawn = {path.name for path in (output / "samples").iterdir()}  # where epochs are short, not all of them
    assert {"step-00000000.png", "step-00000003.png", "step-00000009.png", "samples.gif"} <= drawn


def test_a_cut_run_ends_as_an_uncut_one(dataset, tmp_path, monkeypatch):
    """Cut by Ctrl-C in the middle of epoch 2 of 3: weights, optimizers and random states end up equal, bit for bit."""
    whole = runs.train(config_for(dataset), tmp_path / "whole", verbose=0)

    def interrupt(self, batch, logs=None):
        if self.model.step.numpy() == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(callbacks.SampleGrid, "on_train_batch_end", interrupt)
        runs.train(config_for(dataset), tmp_path / "cut", verbose=0)
    assert (tmp_path / "cut" / "checkpoints" / "step-00000005.keras").is_file()
    assert not (tmp_path / "cut" / "final.keras").exists()
    resumed = runs.train(runs.read_config(tmp_path / "cut"), tmp_path / "cut", resume=True, verbose=0)
    assert_same_weights(resumed, whole)
    assert callbacks.read_history(tmp_path / "cut" / "history.csv")["step"] == [3, 6, 9]


def test_a_finished_run_that_goes_on_is_not_finished(dataset, tmp_path, monkeypatch):
    """Cut on the way to epoch 6 by Ctrl-C, and by what leaves no time to write: its end of epoch 3 is none any more."""
    run = tmp_path / "run"
    runs.train(config_for(dataset), run, verbose=0)
    assert (run / "final.keras").is_file()
    for error, at in ((KeyboardInterrupt, 11), (SystemError, 12)):

        def stop(self, batch, logs=None, error=error, at=at):
            if self.model.step.numpy() == at:
                raise error

        with monkeypatch.context() as patched, pytest.raises(error):
            patched.setattr(callbacks.SampleGrid, "on_train_batch_end", stop)
            runs.train(runs.with_epochs(runs.read_config(run), 6), run, resume=True, verbose=0)
        assert not (run / "final.keras").exists()
        assert int(presets.load(run).step.numpy()) == 11
    runs.train(runs.read_config(run), run, resume=True, verbose=0)
    assert int(presets.load(run / "final.keras").step.numpy()) == 18


@pytest.fixture
def labelled(tmp_path):
    """30 pictures of three classes that are not equally frequent."""
    rng = np.random.default_rng(1)
    images, labels = rng.integers(0, 256, (30, 6, 6, 1), dtype=np.uint8), np.repeat([2, 0, 1], (15, 9, 6))
    np.savez(tmp_path / "labelled.npz", images=images, labels=labels, class_names=["cats", "dogs", "ants' nests"])
    return str(tmp_path / "labelled.npz")


EVERYTHING = {
    "conditional": True,
    "loss": "relativistic",
    "penalties": "r1(.5, every=3)",
    "lazy_correction": True,
    "augment": "adaptive(color, translation, target=-.9, interval=2, images=100)",
    "optimizer": "adam",
    "ema_decay": 0.9,
}
NAMES = ("cats", "dogs", "ants' nests")


def test_a_cut_run_with_everything_ends_as_an_uncut_one(labelled, tmp_path, monkeypatch):
    """Labels, penalties that are paid in some updates only, and augmentation whose probability follows the game."""
    config = config_for(labelled, **EVERYTHING)
    whole = runs.train(config, tmp_path / "whole", verbose=0)

    def interrupt(self, batch, logs=None):
        if self.model.step.numpy() == 5:
            raise KeyboardInterrupt

    run = tmp_path / "cut"
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(callbacks.StopOnDivergence, "on_train_batch_end", interrupt)
        runs.train(config, run, verbose=0)
    assert (run / "checkpoints" / "step-00000005.keras").is_file()
    resumed = runs.train(runs.read_config(run), run, resume=True, verbose=0)
    assert_same_weights(resumed, whole)
    assert (run / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()
    state, expected = ({name: float(v) for name, v in gan.progress.state.items()} for gan in (resumed, whole))
    assert state == expected
    assert expected["augment_p"] > 0
    assert resumed.latent.shares == whole.latent.shares == (9 / 30, 6 / 30, 15 / 30)
    assert resumed.class_names == whole.class_names == NAMES
    np.testing.assert_array_equal(resumed.generate(9, seed=3), whole.generate(9, seed=3))


def test_shares_are_those_of_the_data_where_an_epoch_is_cut(labelled, tmp_path):
    """Also where the model knows how many classes there are, and not their names."""
    gan = runs.train(config_for(labelled, classes=4, epochs=None, steps=1), tmp_path / "four", verbose=0)
    loaded = presets.load(tmp_path / "four")
    assert gan.latent.shares == loaded.latent.shares == (9 / 30, 6 / 30, 15 / 30, 0.0)
    assert gan.class_names == loaded.class_names == ("0", "1", "2", "3")
    gan = runs.train(config_for(labelled, classes=3, epochs=None, steps=4), tmp_path / "three", verbose=0)
    loaded = presets.load(tmp_path / "three")
    assert gan.latent.shares == loaded.latent.shares == (9 / 30, 6 / 30, 15 / 30)
    assert gan.class_names == loaded.class_names == NAMES


def test_labels_reach_the_game(labelled, tmp_path, monkeypatch):
    """Each picture with its own, in every batch of a run that is cut in the midst of an epoch."""
    with np.load(labelled) as content:
        known = {image.tobytes(): label for image, label in zip(content["images"], content["labels"], strict=True)}
    seen = []
    load = data.load

    def watched(*args, **options):
        def note(images, labels):
            pixels = np.rint(images * 255.0).astype(np.uint8)
            assert [known[image.tobytes()] for image in pixels] == labels.tolist()
            seen.extend(labels.tolist())
            return images

        def noted(images, labels):
            same = tf.numpy_function(note, [images, labels], tf.float32)
            return tf.ensure_shape(same, images.shape), labels

        return load(*args, **options).map(noted)

    monkeypatch.setattr(data, "load", watched)
    runs.train(config_for(labelled, conditional=True, epochs=None, steps=4), tmp_path / "run", verbose=0)
    assert len(seen) >= 40


def test_a_conditional_request(labelled, dataset):
    for asked in ({"conditional": True}, {"conditional": True, "classes": 3}, {"conditional": True, "classes": NAMES}):
        assert config_for(labelled, **asked).recipe["classes"] == NAMES
    assert config_for(labelled, classes=3).recipe["classes"] == 3
    assert config_for(labelled, classes=5).recipe["classes"] == 5
    assert config_for(labelled, classes=NAMES).recipe["classes"] == NAMES
    assert config_for(labelled).recipe["classes"] is None
    assert config_for(labelled, conditional=False).recipe["classes"] is None
    for asked, message in (
        ({"conditional": True, "classes": 4}, r"has 3 classes \(cats, dogs, ants' nests\), and classes=4 is asked for"),
        ({"conditional": True, "classes": 2}, "and classes=2 is asked for"),
        ({"conditional": True, "classes": ("dogs", "cats", "x")}, r"and classes=\('dogs', 'cats', 'x'\) is asked for"),
        ({"classes": 2}, r"has 3 classes \(cats, dogs, ants' nests\), the model has 2 \(0, 1\)\. Make the model with"),
        ({"classes": ("dogs", "cats", "x")}, "class 0 is 'cats' in the data, 'dogs' in the model"),
        ({"classes": 0}, "classes must be at least 2, or the names of as many; found 0"),
        ({"conditional": False, "classes": 3}, r"\(conditional=False\) excludes classes=3"),
    ):
        with pytest.raises(ValueError, match=message):
            config_for(labelled, **asked)
    for source in (dataset, "ring"):
        for asked in ({"conditional": True}, {"classes": 3}):
            with pytest.raises(ValueError, match=r"has no classes for a conditional model\. A tensorf"):
                config_for(source, **asked)
    for model in ("ebgan", "infogan"):
        with pytest.raises(ValueError, match=f"{model} takes no classes: .*; dcgan and vanilla_gan take them"):
            runs.resolve(model, "nowhere.npz", conditional=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalties": "r3(5)"}, "Unknown penalty 'r3'. Known: gradient_penalty, r1, r2"),
        ({"penalties": "r1(5, every=0)"}, "every of r1 must be a whole number, at least 1; found 0"),
        ({"penalties": "r1(-1)"}, "The weight of r1 must be a finite number, at least 0; found -1"),
        ({"penalties": "r1(5"}, r"penalties are names between commas, such as 'r1\(5, every=16\)'; found 'r1\(5'"),
        ({"penalties": "r1(1), r1(2)"}, "The penalty r1 is asked for 2 times"),
        ({"penalties": 5}, "penalties must be of type"),
        (
            {"augment": "colour"},
            "Unknown augmentation 'colour'. Known: color, translation, cutout, affine, adaptive and diffaugment",
        ),
        ({"augment": "color(3)"}, r"color takes no arguments in an augmentation; found 'color\(3\)'"),
        ({"loss": "hings"}, "Unknown adversarial loss 'hings'.*Did you mean 'hinge'"),
        ({"lazy_correction": True}, "lazy_correction corrects Adam for penalties .*; found penalties=None"),
        ({"lazy_correction": True, "penalties": "r2(1)"}, r"found penalties='r2\(1\)'"),
    ],
)
def test_the_rules_of_the_game_are_checked_without_networks(dataset, monkeypatch, options, message):
    monkeypatch.setattr(registry, "create_model", None)
    with pytest.raises(ValueError, match=message):
        config_for(dataset, **options)


def test_points_are_not_augmented():
    small = {"generator_units": 8, "discriminator_units": 4, "batch_size": 10}
    with pytest.raises(ValueError, match="DiffAugment transforms images, and this model's samples are none"):
        runs.resolve("vanilla_gan", "ring", augment="color", **small)


def test_an_empty_text_is_none(dataset):
    config = config_for(dataset, penalties="", augment="")
    assert config == config_for(dataset)
    assert runs.differences(config, {"penalties": "", "augment": ""}) == []
    regular = config_for(dataset, penalties="r1(1)")
    assert runs.differences(regular, {"penalties": ""}) == ["penalties: r1(1) -> None"]


def test_a_registered_recipe_with_classes_and_penalties(labelled, monkeypatch):
    monkeypatch.setattr(registry, "_presets", dict(registry._presets))
    rules = {"penalties": "r1(5, every=16)", "augment": "color,translation", "lazy_correction": True}
    small = {"generator_units": 8, "discriminator_units": 4, "batch_size": 10, "optimizer": "adam"}
    asked = {**rules, **small, "classes": NAMES}
    registry.register_preset("tiny", "vanilla_gan", labelled, "train[:20]", "", **asked)
    config = runs.resolve_recipe("tiny")
    assert runs.command(config) == "kerasgan train --recipe=tiny"
    assert {name: config.recipe[name] for name in (*rules, "classes")} == {**rules, "classes": NAMES}
    assert runs.resolve("vanilla_gan", labelled, "train[:20]", conditional=True, **rules, **small) == config


def test_a_run_can_be_prolonged(dataset, tmp_path):
    whole = runs.train(config_for(dataset, epochs=4), tmp_path / "whole", verbose=0)
    runs.train(config_for(dataset, epochs=2), tmp_path / "run", verbose=0)
    longer = runs.with_epochs(runs.read_config(tmp_path / "run"), 4)
    assert_same_weights(runs.train(longer, tmp_path / "run", resume=True, verbose=0), whole)
    with pytest.raises(ValueError, match="was asked for 4 epochs; --epochs=1 would be fewer"):
        runs.with_epochs(longer, 1)


@pytest.mark.parametrize("steps", [2, 5])
def test_a_run_of_so_many_steps_goes_on_as_an_uncut_one(dataset, tmp_path, steps):
    """It leaves all that others leave, though it ends in the midst of an epoch of 3 steps; then goes on to 3 epochs."""
    options = {"ema_decay": 0.9, "optimizer": "adam"}
    whole = runs.train(config_for(dataset, **options), tmp_path / "whole", verbose=0)
    output = tmp_path / "run"
    config = config_for(dataset, epochs=None, steps=steps, **options)
    assert (config.epochs, config.steps) == (None, steps)
    gan = runs.train(config, output, verbose=0)
    assert int(gan.step.numpy()) == steps
    assert {p.name for p in output.iterdir()} == {*runs.PARTS} - {"best.keras", "diverged.json"}
    assert_same_weights(presets.load(output / "final.keras"), gan)
    assert_same_weights(callbacks.restore(output / "checkpoints"), gan)
    rows = [*range(3, steps + 1, 3), *([steps] if steps % 3 else [])]
    assert callbacks.read_history(output / "history.csv")["step"] == rows
    assert runs.read_config(output) == config
    assert f"--steps={steps}" in runs.command(config)

    again = runs.train(runs.read_config(output), output, resume=True, verbose=0)  # nothing is left to do
    assert_same_weights(again, gan)
    assert callbacks.read_history(output / "history.csv")["step"] == rows
    longer = runs.with_end(runs.read_config(output), steps=7)
    assert int(runs.train(longer, output, resume=True, verbose=0).step.numpy()) == 7
    longer = runs.with_end(runs.read_config(output), epochs=3)
    assert_same_weights(runs.train(longer, output, resume=True, verbose=0), whole)
    assert (output / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()


def test_the_best_epoch_is_a_whole_one(tmp_path):
    """Scores of an epoch that `steps` cuts stand in the history and are forgotten when it goes on."""
    small = {"generator_units": 8, "discriminator_units": 4, "batch_size": 50, "split": "train[:150]"}
    small |= {"validation_split": "train[150:]", "optimizer": "adam", "learning_rate": 0.01}
    ring = str(tmp_path / "ring.npz")  # few points; of the ring itself a preset is scored by thousands
    np.savez(ring, data.load_array("ring", "train[:250]"))
    runs.train(runs.resolve("vanilla_gan", ring, epochs=3, **small), tmp_path / "whole", verbose=0)
    runs.train(runs.resolve("vanilla_gan", ring, steps=4, **small), tmp_path / "run", verbose=0)
    assert callbacks.read_history(tmp_path / "run" / "history.csv")["step"] == [3, 4]
    assert int(presets.load(tmp_path / "run" / "best.keras").step) == 3
    preset = runs.make_preset(tmp_path / "run", tmp_path / "preset")
    assert preset.is_dir()
    facts = presets.read_metadata(preset)
    assert (facts["epochs"], facts["settings"]["epochs"], facts["settings"]["batch_size"]) == (2, 2, 50)
    longer = runs.with_end(runs.read_config(tmp_path / "run"), epochs=3)
    runs.train(longer, tmp_path / "run", resume=True, verbose=0)
    for name in ("best.keras", "final.keras"):
        assert_same_weights(*(presets.load(tmp_path / folder / name) for folder in ("run", "whole")))


def test_scores_of_every_second_epoch(tmp_path):
    """Those in between say the last one again, so that the best is one of the scored; the last epoch is one of them."""
    small = {"generator_units": 8, "discriminator_units": 4, "batch_size": 50, "split": "train[:150]", "epochs": 5}
    small |= {"validation_split": "test[:100]", "optimizer": "adam", "learning_rate": 0.01}
    every = runs.resolve("vanilla_gan", "ring", **small)
    second = runs.resolve("vanilla_gan", "ring", score_every=2, **small)
    assert runs.differences(second, {"score_every": 3}) == ["score_every: 2 -> 3"]
    assert "--score_every=2" in runs.command(second)
    assert "score_every" not in runs.command(every)
    for config, folder in ((every, "every"), (second, "second")):
        runs.train(config, tmp_path / folder, verbose=0)
        assert runs.read_config(tmp_path / folder) == config
    name = "frechet_distance"
    whole, some = (callbacks.read_history(tmp_path / folder / "history.csv")[name] for folder in ("every", "second"))
    assert some == [whole[0], whole[1], whole[1], whole[3], whole[4]]
    with pytest.raises(ValueError, match="score_every must be at least 1; found 0"):
        runs.resolve("vanilla_gan", "ring", score_every=0, **small)


def test_fewer_steps_than_were_taken(dataset, tmp_path):
    runs.train(config_for(dataset, epochs=2), tmp_path / "run", verbose=0)
    config = runs.with_end(runs.read_config(tmp_path / "run"), steps=5)
    with pytest.raises(ValueError, match="This run has taken 6 steps; steps=5 would be fewer"):
        runs.train(config, tmp_path / "run", resume=True, verbose=0)
    assert runs.read_config(tmp_path / "run").epochs == 2
    with pytest.raises(ValueError, match="was asked for 7 steps; --steps=6 would be fewer"):
        runs.with_end(dataclasses.replace(config, steps=7), steps=6)


def test_a_time_limit_ends_between_steps_and_the_run_goes_on(dataset, tmp_path, monkeypatch):
    """Wherever it falls: in the midst of an epoch, at its end, and in the first step."""
    whole = runs.train(config_for(dataset), tmp_path / "whole", verbose=0)
    output = tmp_path / "run"
    clock = {"now": 0.0}
    monkeypatch.setattr(runs.training, "time", types.SimpleNamespace(monotonic=lambda: clock["now"]))

    def tick(self, batch, logs=None):
        clock["now"] += 60.0  # a step takes a minute

    monkeypatch.setattr(callbacks.SampleGrid, "on_train_batch_end", tick)
    for minutes, step in ((1, 1), (1, 2), (1, 3), (2, 5)):
        clock["now"] = 0.0
        gan = runs.train(
            runs.read_config(output) if output.exists() else config_for(dataset),
            output,
            resume=output.exists(),
            verbose=0,
            minutes=minutes,
        )
        assert gan.stop_training
        assert int(gan.step.numpy()) == step
        assert max(path.stem for path in (output / "checkpoints").iterdir()) == f"step-{step:08d}"
        assert not (output / "final.keras").exists()
    assert (output / "curves.png").is_file()
    clock["now"] = 0.0
    gan = runs.train(runs.read_config(output), output, resume=True, verbose=0, minutes=60)
    assert not gan.stop_training
    assert_same_weights(gan, whole)
    assert callbacks.read_history(output / "history.csv")["step"] == [3, 6, 9]
    for minutes in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="minutes must be a number above 0"):
            runs.train(config_for(dataset), tmp_path / "other", minutes=minutes)


def test_two_trainings_in_one_folder(dataset, tmp_path, monkeypatch):
    """The second is refused, whatever it was asked to do; when the first has ended, or was killed, it is not."""
    run = tmp_path / "run"
    second = []

    def begin_another(self, batch, logs=None):
        monkeypatch.undo()
        files = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
        for options in ({"resume": True}, {"overwrite": True}):
            with pytest.raises(runs.BusyError, match=r"Another training writes to .*run; choose another folder"):
                runs.train(config_for(dataset), run, verbose=0, **options)
            second.append(options)
        assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == files

    monkeypatch.setattr(callbacks.SampleGrid, "on_train_batch_end", begin_another)
    runs.train(config_for(dataset, epochs=1), run, verbose=0)
    assert len(second) == 2
    code = "import sys; from kerasgan.files import held; f = held(sys.argv[1]); f.__enter__(); print(); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-u", "-c", code, run], **pipes) as process:
        process.stdout.readline()
        with pytest.raises(runs.BusyError):
            runs.train(config_for(dataset), run, overwrite=True, verbose=0)
        process.kill()
    runs.train(config_for(dataset, epochs=1), run, overwrite=True, verbose=0)


def test_a_folder_that_appears_while_another_training_begins(dataset, tmp_path, monkeypatch):
    """Both have found no folder; the one that comes later neither replaces nor joins the other's run."""
    run = tmp_path / "run"
    load_array = data.load_array

    def slow(*arguments, **options):
        monkeypatch.undo()
        runs.train(config_for(dataset, epochs=1), run, verbose=0)
        return load_array(*arguments, **options)

    monkeypatch.setattr(data, "load_array", slow)
    with pytest.raises(runs.AlreadyThereError, match="holds a run already"):
        runs.train(config_for(dataset, epochs=2), run, verbose=0)
    assert runs.read_config(run).epochs == 1


def test_what_a_run_may_take_is_said_and_is_enough(dataset, tmp_path, monkeypatch, capsys):
    big = {"generator_units": 400, "discriminator_units": 100, "ema_decay": 0.9}
    runs.train(config_for(dataset, epochs=2, **big), tmp_path / "run", verbose=2)
    said = capsys.readouterr().err
    found = re.search(r"The run in .*run takes up to (\S+) MB: 4 files of (\S+) MB, and pictures\.\n", said)
    assert found, said
    most, one = (float(number) * 1e6 for number in found.groups())
    size = (tmp_path / "run" / "final.keras").stat().st_size
    assert size <= one * 1.005
    assert size >= one * 0.9
    assert size_of(tmp_path / "run") <= most
    runs.train(config_for(dataset, epochs=1), tmp_path / "other", verbose=0)
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 3_400_000))
    with pytest.raises(ValueError, match=r"takes up to .* MB.*; its disk has 3.4 MB free\. Make room"):
        runs.train(config_for(dataset, **big), tmp_path / "full", verbose=0)
    assert not (tmp_path / "full").exists()
    longer = runs.with_end(runs.read_config(tmp_path / "run"), epochs=3)  # its files lie there already
    runs.train(longer, tmp_path / "run", resume=True, verbose=0)


def test_bytes_in_words():
    for count, words in (
        (999, "999 B"),
        (1000, "1 kB"),
        (432_900_000, "433 MB"),
        (999_600_000, "1 GB"),
        (2e12, "2 TB"),
    ):
        assert runs.folder._bytes(count) == words


@pytest.mark.parametrize(
    ("trained", "has", "expected"),
    [
        ("train", ("train", "test"), ("test", "train")),
        ("train[:55000]", ("train", "test"), ("test", "train")),
        ("train", ("train", "validation"), ("validation", "train")),
        ("train[:90%]", ("train",), ("train[90%:]", "train[:90%]")),
        ("train[10%:]", ("train",), ("train[:10%]", "train[10%:]")),
        ("train[50%:60%]", ("train",), ("train[:50%]", "train[50%:60%]")),
        ("train[10%:60%]", ("train",), ("train[60%:]", "train[10%:60%]")),
        ("train[:-100]", ("train",), ("train[-100:]", "train[:-100]")),
        ("train", ("train",), ("train", "train")),
        ("train[:100%]", ("train",), ("train", "train[:100%]")),
        (None, ("train",), ("train", "train")),
        ("train+test", ("train", "test", "validation"), ("validation", "train+test")),
    ],
)
def test_what_was_not_trained_on(trained, has, expected):
    assert runs.choose_splits(trained, has) == expected


def test_what_was_trained_on_by_any_of_its_names(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    (tmp_path / "others").mkdir()
    monkeypatch.chdir(tmp_path)
    trained = runs.unseen.Training(str(tmp_path / "photos"), "train[:90%]")
    for name in ("photos", "./photos/", "folder:photos", f"folder:{tmp_path}/others/../photos"):
        assert trained.is_on(name)
    for name in ("others", "no_such_folder", "ring", "fashion_mnist"):
        assert not trained.is_on(name)
    for name in ("fashion_mnist:3.0.1", "fashion_mnist"):
        assert runs.unseen.Training("fashion_mnist:3.0.1", "train").is_on(name)


def test_splits_that_are_asked_for_stay():
    assert runs.choose_splits("train[:90%]", ("train",), "train[:10%]") == ("train[:10%]", "train[:90%]")
    assert runs.choose_splits("train", ("train", "test"), None, "train[:10]") == ("test", "train[:10]")


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("train", "train", True),
        ("train", "test", False),
        ("train", "train[:1%]", True),
        ("train[:90%]", "train[90%:]", False),
        ("train[:90%]", "train[80%:]", True),
        ("train[:100]", "train[100:]", False),
        ("train[:100]", "train[99:200]", True),
        ("train[-10:]", "train[:-10]", False),
        ("train[-10:]", "train[-10:]", True),
        ("train+test", "test[:10%]", True),
        ("train[:10%]", "train[20%:]+train[15%:18%]", False),
        ("train", "train[-10:]", True),
        ("train[:50%]", "train[100:]", False),  # nobody knows without the source
    ],
)
def test_splits_that_share_samples(first, second, shared):
    assert runs.overlap(first, second) == runs.overlap(second, first) == shared


def test_a_small_split_is_named(dataset, tmp_path):
    with pytest.raises(
        ValueError, match=r"images\.npz in split 'train\[:2\]' has 2 samples, fewer than one batch of 10"
    ):
        runs.train(config_for(dataset, split="train[:2]"), tmp_path / "run", verbose=0)


def test_an_output_folder_is_never_lost(dataset, tmp_path):
    run, other = tmp_path / "run", tmp_path / "other"
    first = runs.train(config_for(dataset, epochs=1), run, verbose=0)
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    with pytest.raises(runs.AlreadyThereError, match="holds a run already; go on with --resume or replace it with"):
        runs.train(config_for(dataset), run)
    for overwrite in (False, True):
        with pytest.raises(runs.AlreadyThereError, match="holds other files; choose a new or an empty folder"):
            runs.train(config_for(dataset), other, overwrite=overwrite)
    with pytest.raises(ValueError, match="There is no run to resume in"):
        runs.train(config_for(dataset), tmp_path / "new", resume=True)
    with pytest.raises(ValueError, match="There is no run to resume in"):
        runs.train(config_for(dataset), other, resume=True)
    with pytest.raises(ValueError, match="resume and overwrite exclude each other"):
        runs.train(config_for(dataset), run, resume=True, overwrite=True)
    with pytest.raises(ValueError, match="fewer than one batch of 40"):  # found before anything is deleted
        runs.train(config_for(dataset, batch_size=40), run, overwrite=True)
    assert_same_weights(callbacks.restore(run / "checkpoints"), first)
    (run / "mine.txt").write_text("kept")
    runs.train(config_for(dataset, epochs=2), run, overwrite=True, verbose=0)
    assert callbacks.read_history(run / "history.csv")["epoch"] == [1, 2]
    assert (run / "mine.txt").read_text() == "kept"


def test_a_diverged_run_says_so_and_keeps_the_last_good_state(dataset, tmp_path):
    with pytest.raises(
        runs.DivergedError,
        match=r"Training diverged at step \d+: .*_loss is (nan|inf|-inf).*What it came to is in .*run",
    ):
        runs.train(config_for(dataset, learning_rate=1e30), tmp_path / "run", verbose=0)
    assert not (tmp_path / "run" / "final.keras").exists()
    with pytest.raises(runs.DivergedError, match=r"There is no checkpoint of step \d+ or before to set it back to"):
        runs.train(config_for(dataset, learning_rate=1e30), tmp_path / "other", verbose=0, on_divergence="restore")


def test_nothing_is_written_before_the_first_step_of_a_resumed_run(dataset, tmp_path, monkeypatch):
    """Ctrl-C while a run begins, in the midst of an epoch, leaves the checkpoint that it would go on from as it is."""
    run = tmp_path / "run"

    def interrupt(self, *_args, **_kwargs):
        if self.model.step.numpy() == 4:
            raise KeyboardInterrupt

    for moment in ("on_train_batch_end", "on_train_begin", "set_model"):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            if moment == "set_model":  # callbacks have no model yet
                patched.setattr(runs.training, "_fit", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            else:
                patched.setattr(callbacks.StopOnDivergence, moment, interrupt)
            runs.train(config_for(dataset), run, resume=run.exists(), verbose=0)
        newest = run / "checkpoints" / "step-00000004.keras"
        if moment == "on_train_batch_end":
            before = newest.read_bytes()
        assert newest.read_bytes() == before


def test_a_run_that_was_killed_before_it_had_a_config_can_begin(dataset, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".config-abcd1234.json").write_text("{")  # as `replacing` names what it has not finished
    runs.train(config_for(dataset, epochs=1), tmp_path / "run", verbose=0)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*runs.PARTS} - {"best.keras", "diverged.json"}


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(dataset, tmp_path, monkeypatch):
    """With a line of history and pictures on disk, of which nothing that trains can be gone on with."""
    whole = runs.train(config_for(dataset), tmp_path / "whole", verbose=0)

    def kill(self):
        raise SystemExit("killed")

    run = tmp_path / "run"
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(callbacks.TrainingCheckpoint, "write", kill)
        runs.train(config_for(dataset), run, verbose=0)
    assert callbacks.read_history(run / "history.csv")["step"] == [3]
    assert (run / "samples" / "step-00000003.png").is_file()
    resumed = runs.train(runs.read_config(run), run, resume=True, verbose=0)
    assert_same_weights(resumed, whole)
    assert (run / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()


def test_a_run_resumed_from_an_older_checkpoint_ends_as_an_uncut_one(dataset, tmp_path, monkeypatch):
    """Killed two epochs after its newest checkpoint, as where epochs are too short for one each."""
    whole = runs.train(config_for(dataset, epochs=5), tmp_path / "whole", verbose=0)

    def kill(self, epoch, logs=None):
        if self.model.step.numpy() == 9:
            raise SystemExit("killed")

    run = tmp_path / "run"
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(callbacks.TrainingCheckpoint, "SHARE", 1e-9)
        patched.setattr(callbacks.SampleGrid, "SHARE", np.inf)
        patched.setattr(callbacks.WallTime, "on_epoch_begin", kill)
        runs.train(config_for(dataset, epochs=5), run, verbose=0)
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-00000003.keras"]
    assert callbacks.read_history(run / "history.csv")["step"] == [3, 6, 9]
    assert_same_weights(runs.train(runs.read_config(run), run, resume=True, verbose=0), whole)
    assert (run / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()


@pytest.mark.parametrize(("checkpoint_steps", "kept"), [(None, [3, 6, 9, 12]), (2, [3, 5, 6, 8, 9, 11, 12])])
def test_restoring_keeps_what_it_may_need(dataset, tmp_path, monkeypatch, checkpoint_steps, kept):
    """Back to before the last 8 steps, whatever was asked for: 4 epochs of 3 steps."""
    monkeypatch.setattr(callbacks.StopOnDivergence, "PATIENCE", 8)
    monkeypatch.setattr(callbacks.TrainingCheckpoint, "SHARE", np.inf)  # however long writing takes
    options = {"checkpoint_steps": checkpoint_steps, "keep": 1, "on_divergence": "restore"}
    runs.train(config_for(dataset, epochs=4), tmp_path / "run", verbose=0, **options)
    found = sorted(path.stem for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert found == [f"step-{step:08d}" for step in kept]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1; found 0"),
        ({"epochs": -2}, "epochs must be at least 1; found -2"),
        ({"epochs": None, "steps": 0}, "steps must be at least 1; found 0"),
        ({"steps": 5}, "after so many epochs or after so many steps; found epochs=3 and steps=5"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"d_steps": 0}, "d_steps must be at least 1"),
        ({"d_steps": 3}, "batch_size=10 must divide into d_steps=3 minibatches"),
        ({"image_shape": (6, 6)}, r"found image_shape=\(6, 6\)"),
        ({"nonsense": 1}, "vanilla_gan has no setting 'nonsense'"),
    ],
)
def test_a_request_is_checked_first(dataset, options, message):
    with pytest.raises(ValueError, match=message):
        config_for(dataset, **options)


def test_defaults_come_from_the_recipe_and_the_dataset(dataset):
    config = runs.resolve("vanilla_gan", dataset, d_steps=2)
    assert (config.epochs, config.batch_size) == (250, 200)
    assert config.recipe["image_shape"] == (6, 6, 1)


def test_differences_are_listed(dataset):
    config = config_for(dataset)
    assert runs.differences(config, {"loss": "non_saturating", "seed": None, "batch_size": 10}) == []
    assert runs.differences(config, {"loss": "kl", "batch_size": 5, "width": 3}) == [
        "loss: non_saturating -> kl",
        "batch_size: 10 -> 5",
        "width: None -> 3",
    ]
    assert runs.differences(config, {"validation_split": ""}) == []
    validated = dataclasses.replace(config, validation_split="test")
    assert runs.differences(validated, {"validation_split": ""}) == ["validation_split: test -> None"]


def test_differences_of_classes(labelled, dataset):
    """Whoever starts a run again gives the command that began it, where names were not known yet."""
    config = config_for(labelled, conditional=True)
    for same in ({"conditional": True}, {"conditional": True, "classes": 3}, {"classes": NAMES}, {"conditional": None}):
        assert runs.differences(config, same) == []
    assert runs.differences(config, {"conditional": False}) == ["conditional: True -> False"]
    assert runs.differences(config, {"classes": 4}) == [f"classes: {NAMES} -> 4"]
    assert runs.differences(config_for(dataset), {"conditional": True}) == ["conditional: False -> True"]
    regular = config_for(dataset, penalties="r1(1)", loss="hinge")
    assert runs.differences(regular, {"penalties": "r1(2)", "augment": "color", "loss": "hinge"}) == [
        "penalties: r1(1) -> r1(2)",
        "augment: None -> color",
    ]


def test_the_config_of_an_older_version(dataset, tmp_path):
    """Fields that came later say what was so before."""
    config = config_for(dataset)
    assert config.recipe["precision"] == "float32"
    old = dataclasses.asdict(config)
    for name in ("precision", "sync_batch_norm", "classes", "penalties", "lazy_correction", "augment"):
        del old["recipe"][name]
    (tmp_path / "config.json").write_text(json.dumps(old))
    assert runs.read_config(tmp_path) == config
    assert "precision" not in runs.command(config)


def test_a_damaged_config_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"model": "dcgan"')
    with pytest.raises(ValueError, match=r"Cannot read .*config.json"):
        runs.read_config(tmp_path)


def test_a_run_on_a_toy(tmp_path):
    small = {"generator_units": 8, "discriminator_units": 4, "batch_size": 100, "split": "train[:1000]"}
    gan = runs.train(runs.resolve("vanilla_gan", "ring", epochs=1, **small), tmp_path / "run", verbose=0)
    assert gan.value_range is None
    assert gan.generate(5).shape == (5, 2)
    assert (tmp_path / "run" / "samples" / "step-00000010.png").is_file()
    assert runs.read_config(tmp_path / "run").recipe["image_shape"] == (2,)


def test_vectors_without_a_picture_train_as_well(tmp_path):
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(20, 5)))
    small = {"generator_units": 8, "discriminator_units": 4, "batch_size": 10, "epochs": 1}
    gan = runs.train(runs.resolve("vanilla_gan", str(tmp_path / "vectors.npy"), **small), tmp_path / "run", verbose=0)
    assert gan.generate(3).shape == (3, 5)
    assert not (tmp_path / "run" / "samples").exists()


def test_tuples_of_a_recipe_survive_the_config_file(dataset, tmp_path):
    config = runs.resolve("infogan", dataset, image_shape=(28, 28, 1), categorical=(3, 4), epochs=1, batch_size=30)
    runs.config.write_config(config, tmp_path)
    assert runs.read_config(tmp_path) == config


def test_a_toy_for_a_convolutional_family(dataset):
    with pytest.raises(
        ValueError, match=r"dcgan makes square images .*found image_shape=\(2,\), the shape of ring's p"
    ):
        runs.resolve("dcgan", "ring")
    with pytest.raises(ValueError, match=r"infogan makes square images .*=\(6, 6, 1\), the shape of .*npz's images"):
        runs.resolve("infogan", dataset)


def check_is_its_own_command(name):
    recipe, config = registry.get_preset_recipe(name), runs.resolve_recipe(name)
    assert runs.command(config) == f"kerasgan train --recipe={name}"
    for said in ("model", "dataset", "split", "validation_split", "score_every"):
        assert getattr(config, said) == getattr(recipe, said)
    assert (config.recipe["classes"] is not None) == bool(recipe.settings.get("conditional"))
    changed = dataclasses.replace(config, epochs=config.epochs + 1)
    words = shlex.split(runs.command(changed))
    assert f"--epochs={config.epochs + 1}" in words
    usual = registry.get_recipe(config.model, image_shape=config.recipe["image_shape"])
    usual = {**dataclasses.asdict(usual), "precision": "float32"}
    for setting, value in config.recipe.items():
        if setting == "classes" and value is not None:
            assert "--conditional" in words
            continue
        said = any(word.startswith(f"--{setting}=") for word in words)
        assert said or value == usual[setting] or setting in ("epochs", "batch_size")


@pytest.mark.parametrize("dataset", ["fashion_mnist", "noto_emoji"])
def test_a_presets_recipe_is_its_own_command(dataset, request):
    request.getfixturevalue(dataset)
    names = [name for name in registry.list_preset_recipes() if registry.get_preset_recipe(name).dataset == dataset]
    assert names
    for name in names:
        check_is_its_own_command(name)


def test_a_recipe_of_data_from_the_web_is_its_own_command():
    here = ("fashion_mnist", "noto_emoji")
    names = [name for name in registry.list_preset_recipes() if registry.get_preset_recipe(name).dataset not in here]
    assert names
    with tfds.testing.mock_data(num_examples=1, policy=tfds.testing.MockPolicy.USE_CODE):  # which downloads nothing
        for name in names:
            check_is_its_own_command(name)


def test_an_unknown_recipe_is_told_what_it_may_be():
    with pytest.raises(ValueError, match="Did you mean 'dcgan_fashion_mnist'"):
        runs.resolve_recipe("dcgan_fashion_mnits")


def test_a_preset_needs_a_finished_run(dataset, tmp_path):
    runs.train(config_for(dataset, epochs=1), tmp_path / "run", verbose=0)
    (tmp_path / "run" / "final.keras").unlink()
    with pytest.raises(ValueError, match=r"is not finished; go on with: kerasgan train --output=.* --resume"):
        runs.make_preset(tmp_path / "run", tmp_path / "preset")
    assert not (tmp_path / "preset").exists()


def test_a_validation_that_cannot_be_leaves_nothing(dataset, tmp_path):
    with pytest.raises(ValueError, match="There are no features for images 6 x 6 x 1"):
        runs.train(config_for(dataset, validation_split="train[:20]"), tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("epoch_steps", "checkpoint_steps", "step", "expected"),
    [(550, None, 0, 10), (468, None, 0, 9), (550, 25, 0, 5), (550, None, 1101, 1), (30, None, 0, 3), (9, None, 0, 1)],
)
def test_small_models_take_several_steps_at_once(epoch_steps, checkpoint_steps, step, expected):
    """As many as end where epochs, checkpoints and the step to resume at do."""
    gan = kerasgan.create_model("vanilla_gan", image_shape=(2,), generator_units=2, discriminator_units=2)
    gan.step.assign(step)
    assert runs.training._steps_per_execution(gan, epoch_steps, checkpoint_steps, 2 * epoch_steps) == expected


def test_convolutions_take_one_step_at_a_time():
    gan = kerasgan.create_model("dcgan", generator_width=1, discriminator_width=1)
    assert runs.training._steps_per_execution(gan, 550, None, 550) == 1


@pytest.mark.filterwarnings("ignore:20 of the 20")
def test_a_preset_without_features_says_so(dataset, tmp_path):
    runs.train(config_for(dataset, steps=1, epochs=None), tmp_path / "run", verbose=0)
    preset = runs.make_preset(tmp_path / "run", tmp_path / "preset")
    facts = presets.read_metadata(preset)
    assert set(facts["scores"]) == {"parzen_nats", "nearest_training_image"}
    card = (preset / "README.md").read_text()
    assert "such as fcd, kid, precision and recall: There are no features for images 6 x 6 x 1" in card
    assert "below each the training images nearest to it in pixels](nearest.png)" in card
    assert (preset / "nearest.png").is_file()


def test_features_that_depend_on_the_machine_are_written_down(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    np.savez(tmp_path / "x.npz", images=np.zeros((4, 32, 32, 3), np.uint8))
    options = {"validation_split": "train[2:]", "split": "train[:2]", "batch_size": 2}
    config = runs.resolve("dcgan", str(tmp_path / "x.npz"), **options)
    assert config.features == "efficientnet_lite0"
    assert "--features=efficientnet_lite0" in runs.command(config)
    assert runs.resolve("dcgan", str(tmp_path / "x.npz"), batch_size=2).features is None


def test_one_class_is_none_to_choose_from(tmp_path):
    np.savez(tmp_path / "x.npz", images=np.zeros((4, 28, 28, 1), np.uint8), labels=[0] * 4, class_names=["a"])
    with pytest.raises(ValueError, match=r"has one class \(a\); a conditional model needs 2 or more"):
        runs.resolve("dcgan", str(tmp_path / "x.npz"), conditional=True)


def test_blanks_say_nothing():
    config = runs.resolve("vanilla_gan", "ring", penalties="r1(5,every=4)")
    assert runs.differences(config, {"penalties": "r1(5, every=4)"}) == []
    assert runs.differences(config, {"penalties": " "}) == ["penalties: r1(5,every=4) -> None"]
    assert runs.resolve("vanilla_gan", "ring", penalties="  ").recipe["penalties"] is None
