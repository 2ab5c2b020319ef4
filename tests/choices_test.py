"""What `kerasgan train PHOTOS` chooses: by hand-made folders."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from kerasgan import callbacks, cli, runs
from kerasgan.data.survey import Survey
from kerasgan.runs import choices
from kerasgan.runs.origin import Origin


def a_folder(count=1000, size=(128, 128), grey=0, classes=None):
    return Survey(
        name="photos",
        count=count,
        formats={"PNG": count},
        sizes=np.full((count, 2), size, np.int64),
        grey=grey,
        classes=classes,
    )


@pytest.fixture(autouse=True)
def _precision(monkeypatch):
    monkeypatch.setattr(choices, "speed_of_bfloat16", lambda: 3.0)
    monkeypatch.setattr(choices, "has_gpu", lambda: False)


def chosen(found, **asked):
    return {choice.option: choice.value for choice in runs.choose_game(found, asked)}


def test_a_thousand_pictures_in_colour():
    assert chosen(a_folder()) == {
        "model": "r3gan",
        "small": True,
        "image_shape": (64, 64, 3),
        "split": "train[:90%]",
        "validation_split": "train[90%:]",
        "precision": "bfloat16",
    }


def test_each_choice_follows_from_the_pictures():
    assert chosen(a_folder(size=(40, 60)))["image_shape"] == (32, 32, 3)
    assert chosen(a_folder(grey=1000))["image_shape"] == (64, 64, 1)
    assert chosen(a_folder(size=(28, 28), grey=1000))["image_shape"] == (28, 28, 1)
    assert chosen(a_folder(size=(28, 28), grey=999))["image_shape"] == (32, 32, 3)
    assert "split" not in chosen(a_folder(count=499))
    assert chosen(a_folder(classes={"a": 10, "b": 990}))["conditional"] is True
    assert chosen(a_folder(classes={"a": 9, "b": 991}))["conditional"] is False
    assert chosen(a_folder(classes={"a": 1000}))["conditional"] is False
    dcgan = chosen(a_folder(classes={"a": 500, "b": 500}), model="dcgan")
    assert (dcgan["generator_width"], dcgan["batch_size"], dcgan["conditional"]) == (32, 32, True)
    assert "conditional" not in chosen(a_folder(classes={"a": 500, "b": 500}), model="ebgan")


def test_of_few_pictures_on_a_cpu_it_chooses_dcgan(monkeypatch):
    few = a_folder(count=999)
    dcgan = chosen(few)
    assert (dcgan["model"], dcgan["batch_size"], dcgan["generator_width"]) == ("dcgan", 32, 32)
    assert "small" not in dcgan
    assert chosen(a_folder(count=1000))["model"] == "r3gan"
    assert chosen(few, image_shape=(32, 32, 3))["model"] == "r3gan"
    assert chosen(a_folder(count=999, size=(40, 60)))["model"] == "r3gan"
    assert chosen(few, small=True)["model"] == "r3gan"  # an option that DCGAN has not
    assert "model" not in chosen(few, model="r3gan")
    monkeypatch.setattr(choices, "has_gpu", lambda: True)
    assert chosen(few)["model"] == "r3gan"


def test_batches_that_there_are_pictures_for():
    assert "batch_size" not in chosen(a_folder(count=16), model="r3gan")  # its own are of 16
    assert chosen(a_folder(count=31), model="dcgan")["batch_size"] == 16
    assert chosen(a_folder(count=64), model="dcgan")["batch_size"] == 32
    assert chosen(a_folder(count=100), model="ebgan")["batch_size"] == 64
    assert "batch_size" not in chosen(a_folder(count=142), model="ebgan")
    assert "batch_size" not in chosen(a_folder(count=40), model="dcgan", batch_size=128)
    recipe = {"image_shape": (28, 28, 1)}
    begun = runs.choose_game(a_folder(count=100), {"begin_from": "dcgan"}, Origin("dcgan", recipe, None))
    assert {choice.option: choice.value for choice in begun}["batch_size"] == 64  # the family's 128 are too many


def test_bfloat16_where_it_helps(monkeypatch):
    small = a_folder(size=(28, 28), grey=1000)
    assert chosen(small)["precision"] == "float32"  # where it harms R3GAN
    assert chosen(small, model="dcgan")["precision"] == "bfloat16"
    assert chosen(a_folder(), image_shape=(28, 28, 1))["precision"] == "float32"
    assert chosen(small, image_shape=(64, 64, 1))["precision"] == "bfloat16"
    monkeypatch.setattr(choices, "speed_of_bfloat16", lambda: 1.2)
    assert chosen(a_folder())["precision"] == "float32"


def test_what_is_asked_for_is_left_alone():
    found = a_folder(classes={"a": 500, "b": 500})
    asked = {"image_shape": (32, 32, 3), "conditional": False, "split": "train", "precision": "float32"}
    assert set(chosen(found, **asked)) == {"model", "small"}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (a_folder(count=15), r"^photos holds 15 picture\(s\) that can be read; training needs 16 at least"),
        (a_folder(size=(1, 1)), r"^The pictures in photos are 1 pixels small; .* --image_shape=32,32,3 enlarges"),
        (
            a_folder(classes={"Cat": 500, "cat": 500}),
            r"^photos has the class folders 'Cat' and 'cat', which differ in case only: put them together or rename "
            r"one; --noconditional leaves classes out\.$",
        ),
    ],
)
def test_what_nothing_can_be_learnt_from(found, message):
    with pytest.raises(ValueError, match=message):
        chosen(found)


def length(count, seconds=0.2, classes=None, **asked):
    found = a_folder(count, classes=classes)
    config = runs.Config("r3gan", "photos", "train", None, 16, {"schedule_images": 1, "augment": None})
    if count >= choices.HELD_BACK_FROM:
        config = dataclasses.replace(config, validation_split="train[90%:]")
    return {choice.option: choice.value for choice in runs.choose_length(found, config, asked, seconds)}


def test_steps_are_what_the_time_is_enough_for():
    # 30 minutes: 1,800 s, of which .85 are planned with; less 45 s of starting: 1,485 s of .2 s each
    assert length(100) == {
        "steps": 7425,
        "minutes": 30.0,
        "schedule_images": 7425 * 16,
        "augment": "diffaugment(color, translation, probability=cosine(0, 0.5, 7425))",
    }
    # 100 are held back, and scored 5 times in 100 / 80 + 5 s: 31.25 s less
    longer = length(1000, minutes=60.0)
    # that is 14,918 steps, of which 266 epochs of 56 batches of 900 pictures are whole: only those can be the best one
    assert int((3600 * 0.85 - 45 - 31.25) / 0.2) == 14_918
    assert longer["steps"] == 266 * 56
    assert "minutes" not in longer
    assert longer["score_every"] == -(-longer["steps"] // (4 * 56))  # 900 pictures are 56 batches


def test_many_pictures_are_not_augmented_and_few_more_and_more():
    steps = length(5000)["steps"]
    assert length(5000)["augment"] == f"diffaugment(color, translation, probability=cosine(0, 0.5, {steps}))"
    assert length(30_000)["augment"] == ""
    assert "augment" not in length(100, augment="translation")


def test_steps_and_epochs_that_are_asked_for():
    assert length(100, steps=50) == {
        "schedule_images": 800,
        "augment": "diffaugment(color, translation, probability=cosine(0, 0.5, 50))",
    }
    assert length(100, epochs=10)["schedule_images"] == 10 * 6 * 16


@pytest.fixture
def photos(tmp_path):
    """40 pictures of two classes."""
    for i in range(40):
        folder = tmp_path / "photos" / ("dark" if i % 2 else "light")
        folder.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(i).integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(values).resize((70, 60)).save(folder / f"{i}.png")
    return tmp_path / "photos"


def test_a_folder_alone_is_enough(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "time_step", lambda config: 0.5)
    small = ("--width=8", "--group_width=4", "--penalties=", "--augment=", "--image_shape=28,28,3")
    assert cli.main(["train", "photos", *small, "--steps=2"]) == 0
    shown = capsys.readouterr()
    assert "photos holds:\n  pictures     40 (40 PNG)\n  sizes        70x60\n" in shown.out
    assert "  --conditional " in shown.out
    assert "--image_shape" not in shown.out  # which was asked for
    config = runs.read_config("runs/photos")
    assert (config.model, config.dataset, config.steps) == ("r3gan", "photos", 2)
    assert config.recipe["classes"] == ("dark", "light")
    assert config.recipe["schedule_images"] == 32
    assert callbacks.read_history("runs/photos/history.csv")["step"] == [2]
    # what is said again changes nothing, and --resume needs nothing else
    assert cli.main(["train", "photos"]) == 1
    assert "runs/photos holds a run already; go on with --resume" in capsys.readouterr().err
    assert cli.main(["train", "photos", "--resume", "--steps=3", "--quiet"]) == 0
    assert callbacks.read_history("runs/photos/history.csv")["step"][-1] == 3


def test_a_picture_that_is_too_large_is_named_and_nothing_else_said_of_it(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "time_step", lambda config: 0.5)
    Image.new("1", (10_000, 10_000)).save(photos / "dark" / "huge.png")  # beyond Pillow's own limit too
    small = ("--width=8", "--group_width=4", "--penalties=", "--augment=", "--image_shape=28,28,3")
    assert cli.main(["train", "photos", *small, "--steps=1", "--quiet"]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "mage" in line]  # Pillow's begins "Image size"
    assert said == ["kerasgan: warning: Skipped 1 image(s) in photos that cannot be read or are too large: huge.png"]


def test_layers_that_there_are_not_are_found_before_a_step_is_timed(photos):
    small = {"image_shape": (28, 28, 3), "width": 8, "group_width": 4, "conditional": True}
    config = runs.resolve("r3gan", f"folder:{photos}", freeze="discriminator:900", **small)
    with pytest.raises(ValueError, match=r"The discriminator has \d+ layers with weights, of which 1 to \d+ can be"):
        runs.time_step(config, steps=10**9)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["photos", "more"], 2, "train takes one folder; found photos more."),
        (["photos", "--dataset=other"], 2, "'photos' and --dataset both say what to train on; leave one out."),
        (["photos", "--recipe=r3gan_noto_emoji"], 2, "'photos' and --recipe both say what to train on"),
        (["nowhere"], 1, "Unknown dataset 'nowhere': neither a name of"),
        (["ring"], 1, "ring holds points and no pictures: kerasgan train --model=vanilla_gan --dataset=ring"),
    ],
)
def test_command_lines_that_are_wrong(arguments, status, message, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", *arguments]) == status
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
