"""The command: what it does, and that every mistake ends in one line and a status that is not 0."""

import errno
import json
import os
import re
import shlex
import subprocess
import sys
import time
import types

import keras
import numpy as np
import pytest
from conftest import quarters_gan, small_gan
from PIL import Image

import kerasgan
from kerasgan import cli, losses, plots, runs
from kerasgan.callbacks import read_history
from kerasgan.data.rows import UnreadableError
from kerasgan.errors import first_line

# Of numpy, for Keras's authors; Python shows it to nobody else, but pytest does.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


@pytest.fixture
def dataset(tmp_path):
    np.savez(tmp_path / "images.npz", np.random.default_rng(0).integers(0, 256, (20, 6, 6, 1), dtype=np.uint8))
    return tmp_path / "images.npz"


def run(capsys, *argv):
    """The exit status, and what stderr said."""
    capsys.readouterr()
    status = cli.main([str(argument) for argument in argv])
    return status, capsys.readouterr().err


@pytest.fixture
def labelled(tmp_path):
    """40 pictures of three classes, one of them with a quote in its name."""
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 1), dtype=np.uint8)
    content = {"images": images, "labels": np.arange(40) % 3, "class_names": ["cats", "dogs", "ants' nests"]}
    np.savez(tmp_path / "labelled.npz", **content)
    return tmp_path / "labelled.npz"


RULES = ("--conditional", "--loss=relativistic", "--penalties=r1(5, every=16)", "--augment=color,translation")


def train_arguments(dataset, output, *more):
    small = ("--generator_units=8", "--set=discriminator_units=4", "--batch_size=10", "--epochs=1")
    return ("train", "--model=vanilla_gan", f"--dataset={dataset}", f"--output={output}", *small, *more)


def test_the_whole_road(capsys, dataset, tmp_path):
    output = tmp_path / "run"
    status, said = run(capsys, *train_arguments(dataset, output, "--loss=kl", "--d_steps=2", "--ema_decay=.9"))
    assert status == 0, said
    status, said = run(capsys, "train", f"--output={output}", "--resume", "--epochs=2", "--loss=kl")
    assert status == 0, said
    assert "final.keras" in said

    picture = tmp_path / "new" / "grid.png"
    status, said = run(capsys, "sample", f"--preset={output}", "--n=4", "--seed=7", f"--output={picture}")
    assert status == 0, said
    with Image.open(picture) as image:
        assert image.size == (2 * 6 + 2, 2 * 6 + 2)
    for preset, version in ((output, "1"), (output / "final.keras", "2")):
        status, said = run(capsys, "export", f"--preset={preset}", f"--output={tmp_path / 'served'}")
        assert status == 0, said
        assert said.strip().endswith(f"served/{version}")
        assert (tmp_path / "served" / version / "saved_model.pb").is_file()

    assert cli.main(["verify", str(tmp_path / "served" / "2")]) == 0
    table, said = capsys.readouterr()
    assert "images are generate's                  ok       8 seeds" in table
    assert said.endswith("served/2 can be served\n")
    index = tmp_path / "served" / "2" / "variables" / "variables.index"
    index.write_bytes(index.read_bytes()[:50])
    assert cli.main(["verify", str(tmp_path / "served" / "2")]) == 1
    table, said = capsys.readouterr()
    assert "FAILED" in table
    assert "served/2 must not be served: loads" in said


def test_a_conditional_run_and_its_pictures(capsys, labelled, tmp_path, monkeypatch):
    """What is asked for stands in the config, from which a command makes the same run; classes are drawn in rows."""
    output = tmp_path / "runs" / "run"
    asked = (*RULES, "--optimizer=adam", "--lazy_correction")
    status, said = run(capsys, *train_arguments(labelled, output, *asked, "--quiet"))
    assert (status, said) == (0, "")
    config = runs.read_config(output)
    names = ("cats", "dogs", "ants' nests")
    expected = {"classes": names, "loss": "relativistic", "penalties": "r1(5, every=16)", "lazy_correction": True}
    assert {name: config.recipe[name] for name in expected} == expected
    assert config.recipe["augment"] == "color,translation"

    command = runs.command(config)
    assert " --conditional " in command
    assert " '--penalties=r1(5, every=16)' " in command
    of_shell = f'{sys.executable} -c "import json, sys; print(json.dumps(sys.argv[1:]))" {command.partition(" ")[2]}'
    words = json.loads(subprocess.run(["sh", "-c", of_shell], check=True, capture_output=True, text=True).stdout)
    labelled.rename(tmp_path / "gone.npz")  # then classes are said one by one
    by_name = next(word for word in shlex.split(runs.command(config)) if "classes" in word)
    assert by_name == f"--classes={names}"
    (tmp_path / "gone.npz").rename(labelled)
    without = [word for word in words if word != "--conditional"]
    resolved = []
    with monkeypatch.context() as patched:
        patched.setattr(runs, "train", lambda config, *_, **__: resolved.append(config) or gan)
        gan = types.SimpleNamespace(stop_training=False)
        for argv in (words, [*words, by_name], [*without, by_name]):
            assert run(capsys, *argv, f"--output={tmp_path / 'again'}", "--quiet") == (0, "")
    assert resolved == [config] * 3
    resumed = train_arguments(labelled, output, *asked, "--classes=3", "--resume", "--quiet")  # as a scheduler asks
    assert run(capsys, *resumed) == (0, "")
    status, said = run(capsys, *resumed, "--noconditional", "--penalties=r1(4)")
    assert status == 2
    assert "these differ: conditional: True -> False; penalties: r1(5, every=16) -> r1(4)." in said
    monkeypatch.chdir(tmp_path)
    assert cli.main(["list"]) == 0
    assert f"runs/run  run: vanilla_gan on {labelled} by 3 classes, finished" in capsys.readouterr().out

    picture = tmp_path / "classes.png"
    gan = kerasgan.GAN.from_preset(output)
    drawn = [gan.generate(3, seed=7, labels=label) for label in ("dogs", "cats")]
    sample = ("sample", f"--preset={output}", "--seed=7", f"--output={picture}")
    assert run(capsys, *sample, "--n=5", "--labels=dogs,0") == (0, f"kerasgan: wrote 5 samples to {picture}\n")
    drawn[1][2] = 1.0  # five are three and two
    with Image.open(picture) as image:
        expected = plots.class_samples(np.concatenate(drawn), ("dogs", "cats"))
        np.testing.assert_array_equal(np.asarray(image), expected[..., 0])
    assert run(capsys, *sample, "--n=4")[0] == 0  # of the classes that the seeds give
    with Image.open(picture) as image:
        pixels = np.rint(255 * gan.generate(4, seed=7)[..., 0])
        np.testing.assert_array_equal(np.asarray(image)[8:, 8:], pixels[3])

    for more, status, message in (
        (("--labels=dgos",), 1, "There is no class 'dgos'; there are cats, dogs, ants' nests. Did you mean 'dogs'?"),
        (("--labels=3",), 1, "A label is a class's name or a whole number from 0 to 2; found 3"),
        (("--labels=cats,-1",), 1, "A label is a class's name or a whole number from 0 to 2; found -1"),
        (("--labels=cats,dogs", "--n=1"), 2, "--labels names one class or more, and each needs a sample of --n=1"),
        (("--labels=",), 2, "--labels names one class or more"),
    ):
        picture.unlink(missing_ok=True)
        found, said = run(capsys, *sample, *more)
        assert (found, said.count("\n")) == (status, 1), said
        assert message in said
        assert not picture.exists()


def test_a_film_from_seed_to_seed(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gan = quarters_gan()
    gan.save_to_preset("small")
    sample = ("sample", "--preset=small", "--interpolate=3,17,5")
    status, said = run(capsys, *sample, "--output=new/walk.gif", "--n=6")
    assert (status, said) == (0, "kerasgan: wrote 6 frames to new/walk.gif\n")
    with Image.open("new/walk.gif") as film:
        assert (film.n_frames, film.size) == (6, (16 * 8, 16 * 8))
        for i, seed in ((0, 3), (2, 17), (4, 5)):
            film.seek(i)
            expected = np.rint(255 * gan.generate(seeds=[seed])[0, ..., 0]).repeat(16, 0).repeat(16, 1)
            np.testing.assert_allclose(np.asarray(film.convert("L")), expected, atol=1)
    for labels, frame in (("b", [1, 1, 1]), ("a,b,2", [0, 1, 2])):
        assert run(capsys, *sample, "--output=walk.webp", "--n=3", f"--labels={labels}")[0] == 0
        with Image.open("walk.webp") as film:
            for i, label in enumerate(frame):
                film.seek(i)
                means = np.asarray(film.convert("L")).reshape(2, 64, 2, 64).mean((1, 3))
                assert means.argmax() == label
    (tmp_path / "walk.webp").unlink()
    point_gan().save_to_preset("points")
    server = ("sample", "--server=http://localhost:1", "--model=x", "--interpolate=1,2", "--output=x.gif")
    for argv, status, message in (
        (
            (*sample, "--output=walk.png"),
            2,
            "With --interpolate --output must end in .gif, .webp, .mp4; found walk.png.",
        ),
        (("sample", "--preset=small", "--output=walk.gif"), 2, "--output must end in .png; found walk.gif."),
        ((*sample, "--output=x.gif", "--interpolate=3"), 2, "--interpolate takes two seeds or more, whole numbers"),
        ((*sample, "--output=x.gif", "--interpolate="), 2, "--interpolate takes two seeds or more, whole numbers"),
        ((*sample, "--output=x.gif", "--interpolate=3,-1"), 2, "such as 3,17,5; found '3,-1'."),
        ((*sample, "--output=x.gif", "--seed=0"), 2, "--seed and --interpolate exclude each other"),
        ((*sample, "--output=x.gif", "--n=2"), 2, "names 3 seeds, each of which needs a frame; found --n=2."),
        ((*sample, "--output=x.gif", "--labels=a,b"), 2, "must name one class, or one for each of the 3 seeds"),
        ((*sample, "--output=x.gif", "--labels=e"), 1, "There is no class 'e'"),
        (server, 2, "--interpolate needs a --preset; a server does not tell"),
        ((*sample, "--output=x.gif", "--preset=points"), 1, "draws images; the samples of points are points."),
        ((*sample, "--output=x.gif", f"--interpolate=3,{2**63}"), 1, "seeds must be a list of whole numbers"),
    ):
        found, said = run(capsys, *argv)
        assert (found, said.count("\n")) == (status, 1), said
        assert message in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "points", "small"]


def point_gan():
    gan = kerasgan.create_model("vanilla_gan", image_shape=(2,), generator_units=8, discriminator_units=4)
    gan.fit(kerasgan.toys.ring().sample(20), batch_size=10, verbose=0)
    return gan


def test_classes_are_drawn_at_a_server(capsys, tmp_path, monkeypatch):
    """Each class by a request of its own, of the same seeds; of points there is one picture of all."""
    asked = []

    class Client:
        class_names = "cats", "dogs"

        def __init__(self, url, model):
            asked.append((url, model))

        def generate(self, n, *, seed, labels):
            asked.append((n, seed, labels))
            return np.zeros((n, 2))

    monkeypatch.setattr(kerasgan.serving, "Client", Client)
    sample = ("sample", "--server=http://localhost:1", "--model=pets", f"--output={tmp_path / 'x.png'}", "--seed=5")
    assert run(capsys, *sample, "--labels=1,cats", "--n=7")[0] == 0
    assert asked == [("http://localhost:1", "pets"), (4, 5, 1), (3, 5, "cats")]
    assert (tmp_path / "x.png").is_file()
    monkeypatch.setattr(Client, "class_names", None)
    status, said = run(capsys, *sample, "--labels=1,cats")
    assert (status, said) == (1, "kerasgan: error: pets knows no classes; leave --labels out.\n")


def test_a_conditional_run_is_scored_and_becomes_a_preset(capsys, labelled, tmp_path):
    images = keras.Input((6, 6, 1))
    keras.Model(images, keras.layers.Flatten()(keras.layers.AveragePooling2D(3)(images))).save(tmp_path / "f.keras")
    output, preset, report = tmp_path / "run", tmp_path / "presets" / "tiny", tmp_path / "report.json"
    more = ("--split=train[:20]", "--validation_split=train[20:]", f"--features={tmp_path / 'f.keras'}", *RULES)
    status, said = run(capsys, *train_arguments(labelled, output, *more, "--quiet"))
    assert status == 0, said
    status, said = run(capsys, "preset", f"--run={output}", f"--output={preset}")
    assert status == 0, said
    assert "--conditional" in json.loads((preset / "metadata.json").read_text())["recipe"]
    for made in (output, preset):
        status, said = run(capsys, "evaluate", f"--preset={made}", f"--output={report}")
        assert status == 0, said
        content = json.loads(report.read_text())
        assert (content["split"], content["training_split"]) == ("train[20:]", "train[:20]")
        assert set(content["classes"]) == {"cats", "dogs", "ants' nests"}
        assert "d_loss" in content["losses"]
    shares = tuple(np.bincount(np.arange(20) % 3) / 20)
    assert kerasgan.GAN.from_preset(preset).latent.shares == shares


def test_scores_from_run_to_preset_to_servable(capsys, dataset, tmp_path):
    """Scored after every epoch; the best becomes a preset with a card, whose scores its servable repeats."""
    images = keras.Input((6, 6, 1))
    means = keras.layers.Flatten()(keras.layers.AveragePooling2D(3)(images))
    keras.Model(images, means).save(tmp_path / "means.keras")
    output, preset = tmp_path / "run", tmp_path / "presets" / "tiny"
    features = f"--features={tmp_path / 'means.keras'}"
    np.savez(dataset, np.random.default_rng(0).integers(0, 256, (40, 6, 6, 1), dtype=np.uint8))
    more = ("--split=train[:20]", "--validation_split=train[5:]", features)
    status, said = run(capsys, *train_arguments(dataset, output, *more))
    assert status == 0, said
    assert {"best.keras", "time.json"} < {path.name for path in output.iterdir()}

    status, said = run(capsys, "preset", f"--run={output}", f"--output={preset}", "--licence=MIT")
    assert status == 0, said
    facts = json.loads((preset / "metadata.json").read_text())
    assert facts["recipe"].startswith("kerasgan train --model=vanilla_gan")
    assert "--generator_units=8" in facts["recipe"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert (facts["epoch"], facts["epochs"], facts["split"], facts["cores"]) == (1, 1, "train[:20]", cores)
    assert facts["scores"]["fcd"]["n_fake"] == 20
    assert facts["last"] != {}
    assert "| `fcd` |" in (preset / "README.md").read_text()

    report = tmp_path / "report.json"
    options = (f"--preset={preset}", f"--dataset={dataset}", features, f"--output={report}", "--seed=3")
    assert cli.main(["evaluate", *map(str, options)]) == 0
    table, said = capsys.readouterr()
    assert "report.json and" in said
    assert "report.png" in said
    content = json.loads(report.read_text())
    assert f"{content['scores']['fcd']['value']:.4g}" in table
    assert set(content["command"].split()) >= {"kerasgan", "evaluate", *map(str, options)}
    assert content["scores"]["fcd"]["seed"] == 3
    assert (content["split"], content["training_split"]) == ("train[20:]", "train[:20]")

    # A run knows its data and features; what it was not trained on is scored without a warning.
    status, said = run(capsys, "evaluate", f"--preset={output}", f"--output={report}")
    assert status == 0, said
    assert "warning" not in said
    content = json.loads(report.read_text())
    assert (content["dataset"], content["split"], content["training_split"]) == (
        str(dataset),
        "train[20:]",
        "train[:20]",
    )
    assert content["scores"]["fcd"]["n_real"] == 20
    assert {f"--dataset={dataset}", features} <= set(content["command"].split())
    for more in (
        (f"--preset={output / 'final.keras'}", "--split=train[10:30]"),
        (f"--preset={preset}", "--split=train"),
    ):
        status, said = run(capsys, "evaluate", *more, f"--output={report}")
        assert status == 0, said
        assert said.count("warning: ") == 1
        assert "real samples (split 'train" in said
        assert "are samples of training_split 'train[:20]' too: scores of a GAN that was trained on them reward" in said

    status, said = run(capsys, "export", f"--preset={preset}", f"--output={tmp_path / 'served'}")
    assert status == 0, said
    served = json.loads((tmp_path / "served" / "1" / "assets.extra" / "kerasgan.json").read_text())
    assert served["scores"] == facts["scores"]


def test_every_preset_of_a_repository_is_exported(capsys, tmp_path):
    small_gan().save_to_preset(tmp_path / "small")
    status, said = run(capsys, "export", "--all", f"--output={tmp_path}")
    assert status == 0, said
    assert said.strip().endswith("small/1")
    assert '"/models/small"' in (tmp_path / "models.config").read_text()


def test_a_log_in_a_file_has_no_signs_that_move_it(capsys, dataset, tmp_path):
    """And a quiet one has nothing."""
    assert cli.main([str(a) for a in train_arguments(dataset, tmp_path / "run")]) == 0
    out, said = capsys.readouterr()
    assert out.startswith("2/2 - ")
    assert "d_loss" in out
    assert not re.search("[\x1b\r\b]", out + said)
    expected = (
        "kerasgan: The run in .* takes up to .*\nkerasgan: .*report.html shows how it went, .*\nkerasgan: done: .*\n"
    )
    assert re.fullmatch(expected, said)
    assert cli.main([str(a) for a in train_arguments(dataset, tmp_path / "other", "--quiet")]) == 0
    assert capsys.readouterr() == ("", "")


def test_so_many_steps_and_so_many_minutes(capsys, dataset, tmp_path):
    output = tmp_path / "run"
    steps = [
        argument for argument in train_arguments(dataset, output, "--steps=3", "--quiet") if "epochs" not in argument
    ]
    assert run(capsys, *steps) == (0, "")
    assert (output / "final.keras").is_file()
    assert read_history(output / "history.csv")["step"] == [2, 3]
    assert run(capsys, *steps, "--resume") == (0, "")  # as a scheduler asks again
    status, said = run(capsys, "train", f"--output={output}", "--resume", "--epochs=9", "--minutes=1e-6")
    assert status == 0
    assert said.endswith(f"at step 4; go on with: kerasgan train --output={output} --resume\n")
    assert "stopped after 1e-06 minutes" in said
    status, said = run(capsys, "train", f"--output={output}", "--resume", "--steps=5")
    assert status == 0, said
    assert json.loads((output / "config.json").read_text())["steps"] == 5


def test_a_recipe_on_data_with_one_split(capsys, dataset, tmp_path):
    small = ("--generator_units=8", "--discriminator_units=4", "--batch_size=10", "--epochs=1", "--seed=3")
    small += ("--noconditional",)
    own = (f"--dataset={dataset}", "--split=train", "--validation_split=", f"--output={tmp_path / 'run'}")
    status, said = run(capsys, "train", "--recipe=vanilla_gan_fashion_mnist", *own, *small)
    assert status == 0, said
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["validation_split"], config["recipe"]["optimizer"]) == (None, "adam")
    assert not (tmp_path / "run" / "best.keras").exists()
    resumed = ("train", "--recipe=vanilla_gan_fashion_mnist", *own, *small, "--resume")
    assert run(capsys, *resumed)[0] == 0
    status, said = run(capsys, *resumed, "--learning_rate=.1")
    assert status == 2
    assert "these differ: learning_rate: 0.002 -> 0.1" in said


def test_your_own_presets_and_runs_are_listed(capsys, dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["list"]) == 0
    assert "your own" not in capsys.readouterr().out
    small_gan().save_to_preset("presets/small")
    (tmp_path / "runs" / "half").mkdir(parents=True)
    (tmp_path / "runs" / "other").mkdir()
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "config.json").write_text("{")
    config = runs.resolve("vanilla_gan", str(dataset), generator_units=8)
    runs.config.write_config(config, tmp_path / "runs" / "half")
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.partition("your own, for --preset:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == ["presets/small", "runs/broken", "runs/half"]
    assert lines[0].split(maxsplit=1)[1].startswith("preset: gan")
    assert lines[1].split(maxsplit=1)[1].startswith("Cannot read runs/broken/config.json")
    assert lines[2].split(maxsplit=1)[1] == f"run: vanilla_gan on {dataset}, not finished"


def test_help_of_training_says_what_there_is(capsys):
    assert cli.main(["train", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.index("--model=") < text.index("--dataset=") < text.index("--batch_size=N") < text.index("--strategy=")
    assert "kerasgan train --model=dcgan --dataset=fashion_mnist --output=runs/dcgan" in text
    game = text[text.index("\nThe game:") : text.index("\nGoing on")]
    assert set(losses.ALIASES) <= set(re.findall(r"\w+", game))
    for option in ("--[no]conditional ", "--penalties=TEXT ", "--[no]lazy_correction ", "--augment=TEXT "):
        assert option in game
    families = text[text.index("\nThe families' recipes") :]
    for shown in ("--learning_rate=0.0002", "--discriminator_pieces=5", "--categorical=(10,)", "--margin=10.0"):
        assert shown in families
    assert max(map(len, text.splitlines())) <= 120
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"kerasgan {kerasgan.__version__}\n"


def test_list_and_help(capsys):
    assert cli.main(["list"]) == 0
    assert "dcgan" in capsys.readouterr().out
    assert cli.main(["--help"]) == 0
    assert "kerasgan train --model=dcgan" in capsys.readouterr().out
    for command in cli.COMMANDS:
        assert cli.main([command, "--help"]) == 0
    assert "--[no]resume" in capsys.readouterr().out
    assert cli.main([]) == 2


def test_help_and_list_answer_in_half_a_second():
    for argument in ("--help", "list"):
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "kerasgan.cli", argument], check=True, capture_output=True)
            seconds.append(time.perf_counter() - start)
        assert min(seconds) < 0.5


def wrong(dataset, labelled, tmp_path):
    """Command lines that are wrong, their exit status and a part of what is said of them."""
    there = tmp_path / "new"
    good = train_arguments(dataset, there)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "spoilt").mkdir()
    (tmp_path / "spoilt" / "config.json").write_text("{")
    small_gan().save(tmp_path / "whole.keras")
    whole = (tmp_path / "whole.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    bits = bytearray(whole)
    bits[len(bits) // 2] ^= 255
    (tmp_path / "flipped.keras").write_bytes(bits)
    few = tmp_path / "few.npz"
    np.savez(few, np.zeros((5, 6, 6, 1), np.uint8))
    nan = tmp_path / "nan.npz"
    np.savez(nan, np.full((20, 6, 6, 1), np.nan, np.float32))
    pulling = ("--set=pulling_away_weight=.1", "--set=generator_width=2")
    sample = ("sample", "--output=" + str(tmp_path / "x.png"))
    evaluate = ("evaluate", f"--preset={tmp_path / 'whole.keras'}", f"--output={tmp_path / 'x.json'}")
    whole_labels = (*sample, f"--preset={tmp_path / 'whole.keras'}", "--labels=0")
    eights = tmp_path / "eights.npz"
    np.savez(eights, np.zeros((30, 8, 8, 1), np.uint8))
    return [
        (
            ("trian",),
            2,
            "there are list, train, sample, evaluate, preset, import, push, export, verify, report, explore, cache. "
            "Did you mean 'train'?",
        ),
        (("train", "stray"), 1, "Unknown dataset 'stray': neither a name of tensorflow-datasets"),
        (("train", "stray", "more"), 2, "train takes one folder; found stray more"),
        (("train", "--modle=dcgan"), 2, "unknown option --modle. Did you mean '--model'?"),
        (("train", "--output=x"), 2, "--model is missing"),
        ((*good, "--lerning_rate=1e-4"), 2, "unknown option --lerning_rate. Did you mean '--learning_rate'?"),
        (("train", "--wxyz=1"), 2, "unknown option --wxyz. `kerasgan train --help` lists all"),
        (
            (*good, "--learning_rate=fast"),
            1,
            "learning_rate is a number, or a schedule such as 'cosine(0.1, 0.01, 1000)'; found 'fast'",
        ),
        ((*good, "--margin=10"), 1, "vanilla_gan has no setting 'margin'. It has: augment, batch_size, "),
        ((*good, "--latent_dim=3", "--set=latent_dim=4"), 2, "latent_dim is given twice: 3 and 4"),
        ((*good, "--model=VANILLA_GAN"), 1, "Did you mean 'vanilla_gan'?"),
        ((*good, "--model=wgan"), 1, "Unknown model 'wgan'. Known: dcgan, ebgan, infogan, r3gan, vanilla_gan.\n"),
        (("train", "--resume=runs/s"), 2, "the run's folder is --output: kerasgan train --output=runs/s --resume"),
        (("train", "--quiet=x"), 2, "--quiet takes no value; found 'x'"),
        ((*good, "--steps=5"), 2, "--epochs and --steps exclude each other"),
        (("train", *(a for a in good[1:] if "epochs" not in a), "--steps=0"), 1, "steps must be at least 1; found 0"),
        ((*good, "--minutes=0"), 1, "minutes must be a number above 0; found 0.0"),
        ((*good, "--split=train[:2]"), 1, "images.npz in split 'train[:2]' has 2 samples, fewer than one batch of 10"),
        ((*good, "--epochs=two"), 2, "epochs"),
        ((*good, "--image_shape=a,b"), 2, "--image_shape is height,width,channels; found a,b"),
        ((*good, "--set=width"), 2, "--set is name=value; found 'width'"),
        ((*good, "--resume", "--overwrite"), 2, "exclude each other"),
        ((*good, "--model=vanila_gan"), 1, "Unknown model 'vanila_gan'. Known: dcgan, "),
        ((*good, "--model=vanila_gan"), 1, "Did you mean 'vanilla_gan'?"),
        ((*good, "--loss=non_saturatng"), 1, "Did you mean 'non_saturating'?"),
        ((*good, "--dataset=fashion_mnits"), 1, "Did you mean 'fashion_mnist'?"),
        ((*good, "--dataset=rnig"), 1, "Did you mean 'ring'?"),
        (("train", "--model=dcgan", "--dataset=ring", f"--output={there}"), 1, "the shape of ring's points"),
        ((*good, "--dataset=ring", "--image_shape=6,6,1"), 1, "ring holds points of shape (2,), the model takes (6, 6"),
        (("train", "--model=ebgan", "--dataset=ring", f"--output={there}", "--loss=kl"), 1, "its loss is 'ebgan'"),
        ((*good, "--loss=infogan"), 1, "InfoGAN needs a latent with codes"),
        ((*good, "--loss=ebgan"), 1, "EBGAN reads energies"),
        (
            ("train", "--model=ebgan", "--dataset=ring", f"--output={there}", "--set=margin=-1"),
            1,
            "margin must be a finite number above 0; found -1",
        ),
        (
            ("train", "--model=ebgan", "--dataset=ring", f"--output={there}", "--batch_size=1", *pulling),
            1,
            "EBGAN needs at least 2 samples in a batch; found 1",
        ),
        ((*good, "--conditional"), 1, "images.npz has no classes for a conditional model. A tensorflow-datasets name"),
        ((*good, "--classes=3"), 1, "images.npz has no classes for a conditional model"),
        (
            (*good, f"--dataset={labelled}", "--classes=2"),
            1,
            "has 3 classes (cats, dogs, ants' nests), the model has 2",
        ),
        ((*good, f"--dataset={labelled}", "--conditional", "--classes=4"), 1, "and classes=4 is asked for"),
        ((*good, "--noconditional", "--classes=3"), 1, "excludes classes=3"),
        ((*good, "--conditional=cats"), 2, "--conditional takes no value; found 'cats'"),
        (("train", "--model=ebgan", "--dataset=fashion_mnist", f"--output={there}", "--conditional"), 1, "one energy"),
        (("train", "--model=infogan", "--dataset=fashion_mnist", f"--output={there}", "--conditional"), 1, "its codes"),
        ((*good, "--penalties=r3(5)"), 1, "Unknown penalty 'r3'. Known: gradient_penalty, r1, r2."),
        ((*good, "--penalties=r1(5, every=0)"), 1, "every of r1 must be a whole number, at least 1; found 0"),
        ((*good, "--penalties=r1(-5)"), 1, "The weight of r1 must be a finite number, at least 0; found -5"),
        ((*good, "--penalties=r1"), 1, "r1 takes weight, every, such as r1(5, every=16)"),
        ((*good, "--penalties=r1(5,"), 1, "penalties are names between commas, such as 'r1(5, every=16)'"),
        ((*good, "--set=penalties=r1(5)"), 2, "--set=penalties=... has an option of its own: use --penalties"),
        ((*good, "--lazy_correction"), 1, "found penalties=None"),
        (
            (*good, "--lazy_correction", "--penalties=r1(5, every=4)"),
            1,
            "changes Adam's constant rate and its betas; found RampedMomentumSGD. Set lazy_correction=False",
        ),
        (
            (*good, "--augment=colour"),
            1,
            "Unknown augmentation 'colour'. Known: color, translation, cutout, affine, adaptive and diffaugment",
        ),
        ((*good, "--augment=adaptive(target=2)"), 1, "target must lie between -1 and 1; found 2"),
        ((*good, "--dataset=ring", "--augment=color"), 1, "transforms images, and this model's samples are none"),
        ((*good, "--loss=relativistik"), 1, "Did you mean 'relativistic'?"),
        (whole_labels, 1, "whole.keras knows no classes; leave --labels out"),
        (
            (*good, "--set=learning_rate=fast"),
            1,
            "learning_rate is a number, or a schedule such as 'cosine(0.1, 0.01, 1000)'; found 'fast'",
        ),
        ((*good, "--set=epochs=abc"), 2, "--set=epochs=... has an option of its own: use --epochs"),
        ((*good, "--set=split=5"), 2, "use --split"),
        ((*good, "--image_shape="), 1, "found image_shape=()"),
        (
            ("train", "--model=dcgan", f"--dataset={dataset}", f"--output={there}", "--image_shape="),
            1,
            "image_shape=()",
        ),
        ((*good, "--set=learning_rat=1"), 1, "has no setting 'learning_rat'"),
        (
            ("train", "--model=dcgan", f"--dataset={dataset}", f"--output={there}", "--image_shape=30,30,1"),
            1,
            "square images of 28, 32, 64 or 128 pixels",
        ),
        (("train", "--model=dcgan", f"--dataset={dataset}", f"--output={there}"), 1, "found image_shape=(6, 6, 1)"),
        ((*good, "--batch_size=0"), 1, "batch_size must be at least 1; found 0"),
        ((*good, "--batch_size=10", "--d_steps=3"), 1, "batch_size=10 must divide into d_steps=3"),
        ((*good, "--d_steps=0"), 1, "d_steps must be at least 1; found 0"),
        ((*good, "--epochs=-1"), 1, "epochs must be at least 1; found -1"),
        ((*good, "--ema_decay=2"), 1, "ema_decay must lie between 0 and 1"),
        ((*good, "--ema_decay=slow"), 1, "ema_decay is a number, or a schedule such as"),
        ((*good, "--ema_decay=halving(cosine(0, 9, 0))"), 1, "steps of cosine must be a whole number, at least 1"),
        ((*good, "--penalties=r1(cosine(1, -1, 5))"), 1, "cosine(1.0, -1.0, 5) reaches -1"),
        ((*good, "--augment=diffaugment(color, probability=2)"), 1, "must be a number from 0 to 1; found 2"),
        ((*good, "--learning_rate=cosine(1, 0, 5)"), 1, "falls by learning_rate_divisor where optimizer is sgd"),
        ((*good, "--seed=-1"), 1, "seed must be from 0 to 2**31 - 1; found -1"),
        ((*good, f"--output={tmp_path / 'file'}"), 1, "is a file; a folder is needed there"),
        ((*good, f"--dataset={few}"), 1, "in split 'train' has 5 samples, fewer than one batch of 10"),
        ((*good, f"--dataset={nan}"), 1, "has NaN in its images"),
        ((*good, f"--dataset=folder:{tmp_path / 'empty'}"), 1, "holds no images"),
        ((*good, f"--dataset=folder:{tmp_path / 'nowhere'}"), 1, "There is no folder"),
        ((*good, "--split=train[:0%]"), 1, "holds none of its 20 images"),
        (("train", f"--output={there}", "--resume"), 1, "There is no run to resume in"),
        ((*good, "--checkpoint_steps=0"), 2, "flag --checkpoint_steps=0: 0 is not a positive integer"),
        ((*good, "--keep_checkpoints=0"), 2, "flag --keep_checkpoints=0: 0 is not a positive integer"),
        ((*good, "--precision=half"), 1, "precision must be one of float32, bfloat16, float16; found 'half'"),
        ((*good, "--strategy=all"), 1, "strategy must be one of none, mirrored, multi_worker; found 'all'"),
        ((*good, "--strategy=multi_worker"), 1, "needs TF_CONFIG in the environment"),
        ((*good, "--on_divergence=panic"), 1, "on_divergence must be stop, restore or ignore; found 'panic'"),
        ((*good, "--validation_split=train[:1]"), 1, "There are no features for images 6 x 6 x 1"),
        (("train", "--recipe=dcgan_fashion_mnits"), 1, "Did you mean 'dcgan_fashion_mnist'?"),
        (("train", "--recipe=dcgan_fashion_mnist", "--model=ebgan"), 2, "trains dcgan; it excludes --model=ebgan"),
        (("evaluate", "--dataset=x", "--output=x.json"), 2, "--preset is missing"),
        ((*evaluate,), 2, "--dataset is missing"),
        ((*evaluate, f"--dataset={eights}", "--output=x.txt"), 2, "--output must end in .json; found x.txt"),
        ((*evaluate, f"--dataset={eights}", "--n=0"), 2, "--n must be at least 1"),
        ((*evaluate, f"--dataset={eights}", "--features=nowhere.keras"), 1, "Unknown features 'nowhere.keras'"),
        ((*evaluate, f"--dataset={eights}", "--features=fashion_mnist_classifier"), 1, "of images 28 x 28 x 1; these"),
        (("preset", f"--run={tmp_path / 'empty'}", f"--output={there}"), 1, "there is no config.json"),
        (("preset", f"--output={there}"), 2, "--run is missing"),
        ((*sample, "--preset=dcgan_fashion_mnits"), 1, "There is no preset, run folder or .keras file 'dcgan_fashion"),
        ((*sample, "--preset=https://example.org/x.zip"), 1, "needs its archive's sha256"),
        ((*sample, "--preset=http://example.org/x.zip"), 1, "from https://, hf:// or kaggle://"),
        (("sample", "--preset=nowhere"), 2, "--output is missing"),
        ((*sample, "--preset=nowhere"), 1, "There is no preset, run folder or .keras file 'nowhere'"),
        (
            (*sample, f"--preset={tmp_path / 'empty'}"),
            1,
            "is no preset, and holds neither a .keras file nor a checkpoint",
        ),
        ((*sample, f"--preset={tmp_path / 'cut.keras'}"), 1, "the file is damaged or no kerasgan model"),
        ((*sample, f"--preset={tmp_path / 'flipped.keras'}"), 1, "the file is damaged or no kerasgan model"),
        ((*sample, f"--preset={tmp_path / 'file'}"), 1, "is not a .keras file"),
        ((*sample, f"--preset={tmp_path / 'whole.keras'}", "--n=0"), 1, "n must be a whole number, at least 1"),
        (
            (*sample, f"--preset={tmp_path / 'whole.keras'}", f"--seed={2**63 - 1}"),
            1,
            "The seeds of 64 samples must lie below 2**63",
        ),
        ((*sample, f"--preset={tmp_path / 'whole.keras'}", "--output=a.jpg"), 2, "--output must end in .png"),
        ((*sample, f"--preset={tmp_path / 'whole.keras'}", f"--output={tmp_path}"), 1, "is a folder; give the name"),
        (
            ("export", f"--preset={tmp_path / 'whole.keras'}", f"--output={tmp_path / 'file'}"),
            1,
            "is a file; a folder is needed there",
        ),
        (("export", "--preset=nowhere"), 2, "--output is missing"),
        (
            ("export", f"--preset={tmp_path / 'whole.keras'}", "--output="),
            2,
            "--output must be a folder on this machine",
        ),
        (("export", f"--preset={tmp_path / 'whole.keras'}", "--output=gs://bucket/m"), 2, "found 'gs://bucket/m'"),
        (("export", "--all", "--preset=nowhere"), 2, "--all and --preset exclude each other"),
        (("export", "--all", f"--output={tmp_path / 'empty'}"), 1, "There is no preset in"),
        (
            ("export", f"--preset={tmp_path / 'whole.keras'}", f"--output={tmp_path}"),
            1,
            "which is no version of a model; give a new folder",
        ),
        (("verify",), 2, "verify takes one folder; found none"),
        (("verify", "a", "b"), 2, "verify takes one folder; found a b"),
        (("verify", tmp_path / "nowhere"), 1, "is no SavedModel: there is no such folder"),
        (("verify", tmp_path / "empty"), 1, "is no SavedModel: it has no saved_model.pb"),
        (("report",), 2, "report takes one folder; found none"),
        (("report", tmp_path / "nowhere"), 1, "nowhere holds no run: there is no config.json"),
        (("report", tmp_path / "empty"), 1, "empty holds no run: there is no config.json"),
        (("report", tmp_path / "empty", f"--output={tmp_path / 'x.png'}"), 2, "--output must end in .html; found"),
        (("report", tmp_path / "empty", "--n=3"), 2, "flag --n=3"),
        (("report", tmp_path / "spoilt"), 1, "Cannot read "),
        (("explore",), 2, "--preset or --run is missing"),
        (("explore", "--preset=x", "--port=0"), 2, "flag --port=0"),
        (("explore", "--preset=x", "--port=70000"), 2, "--port must be at most 65535; found 70000"),
        (("explore", "--preset=x", "--host=0.0.0.0"), 2, "lets whoever reaches this machine draw"),
        ((*sample, "--server=localhost:8501", "--model=x"), 1, "A server's URL is http://HOST:8501"),
        ((*sample, "--server=http://127.0.0.1:1"), 2, "--model is missing"),
        ((*sample, "--server=http://127.0.0.1:1", "--model=x", "--preset=y"), 2, "exclude each other"),
        ((*sample, "--preset=y", "--model=x"), 2, "--model names a model at a --server"),
    ]


def test_every_mistake_ends_in_one_line(capsys, dataset, labelled, tmp_path):
    cases = wrong(dataset, labelled, tmp_path)
    before = sorted(os.listdir(tmp_path))
    for argv, status, message in cases:
        found, said = run(capsys, *argv)
        lines = [line for line in said.splitlines() if line.strip()]
        assert found == status, (" ".join(map(str, argv)), said)
        assert len(lines) == 1, (argv, said)
        assert lines[0].startswith("kerasgan: error: "), (argv, said)
        assert message in said, (argv, said)
        assert sorted(os.listdir(tmp_path)) == before, argv


def test_a_run_is_not_overwritten_and_not_resumed_otherwise(capsys, dataset, tmp_path):
    good = train_arguments(dataset, tmp_path / "run")
    assert run(capsys, *good)[0] == 0
    final = (tmp_path / "run" / "final.keras").read_bytes()
    status, said = run(capsys, *good)
    assert status == 1
    assert "holds a run already; go on with --resume or replace it with --overwrite" in said
    status, said = run(capsys, *good, "--resume", "--loss=kl", "--generator_units=9")
    assert status == 2
    assert "loss: non_saturating -> kl; generator_units: 8 -> 9" in said
    assert (tmp_path / "run" / "final.keras").read_bytes() == final
    assert run(capsys, *good, "--overwrite", "--loss=kl")[0] == 0
    assert (tmp_path / "run" / "final.keras").read_bytes() != final


def test_a_diverged_training_has_a_status_of_its_own(capsys, dataset, tmp_path):
    status, said = run(capsys, *train_arguments(dataset, tmp_path / "run", "--set=learning_rate=1e30", "--epochs=9"))
    assert status == 3
    # The others: what the run may take of the disk, which checkpoint was not written, where the report is.
    assert said.count("\n") == 4
    assert "report.html shows how it went" in said
    assert "No checkpoint was written at step" in said
    assert "error: Training diverged at step" in said.splitlines()[-1]


def test_a_report_of_a_run(capsys, dataset, tmp_path):
    """Beside the run, and elsewhere; what it found stands on stdout."""
    assert run(capsys, *train_arguments(dataset, tmp_path / "run", "--split=train[:10]", "--quiet"))[0] == 0
    (tmp_path / "run" / "report.html").unlink()  # of the end of the training, which --quiet does not mention
    assert cli.main(["report", str(tmp_path / "run"), "--n=10"]) == 0
    printed, said = capsys.readouterr()
    assert f"wrote {tmp_path / 'run' / 'report.html'}" in said
    assert re.search("^good +No sign of divergence$", printed, re.MULTILINE)
    other = tmp_path / "new" / "page.html"
    assert run(capsys, "report", tmp_path / "run", f"--output={other}", "--n=10", "--seed=3")[0] == 0
    assert "and seed 3" in other.read_text(encoding="utf-8")


def test_the_page_is_opened(capsys, tmp_path, monkeypatch):
    """What reaches the page; tests/explore/page looks at it."""
    from kerasgan.explore import page

    small_gan().save(tmp_path / "a.keras")
    asked = []

    class Served:
        address = "http://127.0.0.1:7860/"
        show = staticmethod(lambda: asked.append("shown") or False)
        wait = staticmethod(lambda: asked.append("waited"))

    monkeypatch.setattr(page, "check_extra", lambda: None)
    monkeypatch.setattr(page, "serve", lambda *given: asked.append(given) or Served())
    presets = ("--preset=dcgan_fashion_mnist", f"--preset={tmp_path / 'a.keras'}")
    status, said = run(capsys, "explore", *presets, "--port=8000")
    whats = ["dcgan_fashion_mnist", str(tmp_path / "a.keras")]
    assert (status, asked) == (0, [(whats, "127.0.0.1", 8000, None), "shown", "waited"])
    assert said.splitlines() == [
        f"kerasgan: {', '.join(whats)} at http://127.0.0.1:7860/ until Ctrl-C",
        "kerasgan: no browser was found here; open that address in one",
    ]
    monkeypatch.setenv("KERASGAN_PASSWORD", "open sesame")
    asked.clear()
    assert run(capsys, "explore", presets[0], "--host=0.0.0.0", "--nobrowser")[0] == 0
    assert asked == [(whats[:1], "0.0.0.0", None, "open sesame"), "waited"]
    status, said = run(capsys, "explore", "--run=saved_models/dcgan_fashion_mnist")
    assert (status, "--run=saved_models/dcgan_fashion_mnist holds no run" in said) == (2, True)


def test_without_gradio_the_page_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    status, said = run(capsys, "explore", "--preset=dcgan_fashion_mnist")
    assert (status, said) == (1, "kerasgan: error: The page needs Gradio: pip install 'kerasgan[explore]'.\n")


def test_the_installed_command_reports_errors_without_a_traceback(tmp_path):
    """A real process: of all that TensorFlow has to say at its start nothing is left."""
    result = subprocess.run(
        [sys.executable, "-m", "kerasgan.cli", "sample", "--preset=nowhere", f"--output={tmp_path / 'a.png'}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 1
    known = ", ".join(kerasgan.list_presets())
    expected = f"There is no preset, run folder or .keras file 'nowhere'. Known names: {known}."
    assert result.stderr == f"kerasgan: error: {expected}\n"
    assert result.stdout == ""


def test_errors_of_tensorflow_are_quoted_without_their_nodes():
    noisy = "{{function_node __wrapped__SaveV2 device:CPU:0}} a/b; No space left on device [Op:SaveV2]\nmore"
    assert first_line(OSError(noisy)) == "a/b; No space left on device [Op:SaveV2]"
    traced = "Graph execution error:\n\nDetected at node a defined at (most recent call last):\n"
    frames = '  File "/a.py", line 1, in f\n\n  File "/b.py", line 2, in g\n\n'
    assert first_line(f"{traced}{frames}Out of memory: a\nb\n\t [[a]]") == "Out of memory: a"
    assert first_line(f"{traced}Out of memory: a") == "Out of memory: a"
    assert first_line("Graph execution error:\n") == "Graph execution error:"
    assert first_line("plain") == "plain"
    assert first_line(KeyError()) == "KeyError"


def test_pictures_that_are_kept(capsys, tmp_path, monkeypatch):
    """The same weights with a cache and without, in memory and read from it; listed, and cleared."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(20):
        pixels = np.random.default_rng(i).integers(0, 256, (9, 9), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    cache = tmp_path / "cache"
    weights = []
    for name, limit, more in (("a", None, ()), ("b", None, (f"--cache={cache}",)), ("c", 100, (f"--cache={cache}",))):
        if limit is not None:
            monkeypatch.setattr(kerasgan.data, "MEMORY_LIMIT", limit)
        arguments = train_arguments(f"folder:{folder}", tmp_path / name, "--image_shape=6,6,1", *more)
        status, said = run(capsys, *arguments)
        assert status == 0, said
        weights.append(kerasgan.GAN.from_preset(tmp_path / name).get_weights())
    assert "read from there" in said
    for other in weights[1:]:
        for ours, theirs in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    # A disk that fails in the midst: which file, and what to do, which ends with the same weights.
    cut, read, reads = tmp_path / "d", kerasgan.data.Rows._read, []

    def fail(rows, file, offset, target):
        reads.append(file)
        if len(reads) > 12:
            raise UnreadableError(errno.EIO, f"Cannot read {rows._files[file]} (Input/output error)")
        read(rows, file, offset, target)

    with monkeypatch.context() as patched:
        patched.setattr(kerasgan.data.Rows, "_read", fail)
        status, said = run(capsys, *train_arguments(f"folder:{folder}", cut, "--image_shape=6,6,1", f"--cache={cache}"))
    assert status == 1
    assert re.fullmatch(
        r"kerasgan: error: Cannot read .*0000\.rows \(Input/output error\)\. Go on without the cache \(.*",
        said.splitlines()[-1],
    )
    arguments = ("--resume",) if (cut / "config.json").is_file() else ()
    status, said = run(capsys, *train_arguments(f"folder:{folder}", cut, "--image_shape=6,6,1", *arguments))
    assert status == 0, said
    for ours, theirs in zip(weights[0], kerasgan.GAN.from_preset(cut).get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert cli.main(["cache", "list", f"--cache={cache}"]) == 0
    assert "20 of 6x6x1" in capsys.readouterr().out
    assert run(capsys, "cache", "clear", f"--cache={cache}", "--older=1")[1].startswith("kerasgan: removed 0 ")
    assert run(capsys, "cache", "clear", f"--cache={cache}")[1].startswith("kerasgan: removed 1 ")
    assert "holds nothing" in run(capsys, "cache", "list", f"--cache={cache}")[1]
    for wrong, says in ((("cache",), "takes list or clear"), (("cache", "empty"), "found 'empty'")):
        status, said = run(capsys, *wrong)
        assert (status, said.count("\n")) == (2, 1)
        assert says in said
