"""The recipes for data that come from the web: they say what their papers say, and train, on pictures made up in the
shapes of those data.
"""

import re

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import kerasgan
from kerasgan import callbacks, cli, presets, registry, runs

NARROW = ("--width=8", "--group_width=4", "--blocks=1")
LONG = ("r3gan_celeb_a", "r3gan_stl10")  # of families that the others are of too
RECIPES = {  # and what makes each small; the shapes of the images and the schedules are the recipe's
    "dcgan_celeb_a": ("--generator_width=4", "--discriminator_width=4"),
    "r3gan_celeb_a": (*NARROW, "--penalties=", "--augment="),  # which the next one has
    "r3gan_cifar10": NARROW,
    "r3gan_stl10": (*NARROW, "--penalties=", "--augment="),
}


@pytest.fixture
def made_up():
    """Random images and labels in the place of every dataset, 10 in any split; nothing is downloaded."""
    with tfds.testing.mock_data(num_examples=10, policy=tfds.testing.MockPolicy.USE_CODE):
        yield


@pytest.fixture
def eager():
    """Two steps take less time than their graph."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_all_of_them_are_here():
    others = {*registry.list_preset_recipes()} - {*kerasgan.list_presets()}
    assert others == {*RECIPES}
    for name in others:
        recipe = registry.get_preset_recipe(name)
        assert name == f"{recipe.model}_{recipe.dataset}"
        assert recipe.notes.startswith("A recipe alone: no preset ships")


@pytest.mark.usefixtures("made_up", "eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions_eagerly`")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in sorted(RECIPES)]
)
def test_it_trains(name, tmp_path):
    output = tmp_path / "run"
    short = ("--steps=2", "--batch_size=4", "--validation_split=", "--quiet")
    assert cli.main(["train", f"--recipe={name}", f"--output={output}", *short, *RECIPES[name]]) == 0
    full, config = runs.resolve_recipe(name), runs.read_config(output)
    assert (config.dataset, config.split) == (full.dataset, full.split)
    assert (config.steps, config.epochs, config.batch_size) == (2, None, 4)
    for same in ("image_shape", "classes", "loss"):
        assert config.recipe[same] == full.recipe[same]
    assert callbacks.read_history(output / "history.csv")["step"] == [2]
    assert {"final.keras", "samples", "curves.png"} <= {path.name for path in output.iterdir()}


@pytest.mark.usefixtures("made_up")
def test_vanilla_gan_on_mnist_is_mnist_yaml():
    config = runs.resolve_recipe("vanilla_gan_mnist")
    assert (config.split, config.validation_split) == ("train[:50000]", "train[50000:]")
    assert (config.batch_size, config.epochs) == (100, 250)
    assert config.recipe["image_shape"] == (28, 28, 1)
    asked = ("latent_dim", "generator_units", "discriminator_units", "discriminator_pieces", "optimizer")
    assert [config.recipe[name] for name in asked] == [100, 1200, 240, 5, "sgd"]
    asked = ("learning_rate", "generator_learning_rate", "learning_rate_divisor", "initial_momentum", "final_momentum")
    assert [config.recipe[name] for name in asked] == [0.1, 0.1, 1.000004, 0.5, 0.7]
    assert config.recipe["momentum_ramp_steps"] == 250 * 50_000 // 100
    assert config.recipe["output_bias"] == "zeros"  # the one thing that is not: from the mean image D wins
    assert config.recipe["ema_decay"] == 0.999  # which changes nothing of the training


@pytest.mark.usefixtures("made_up")
def test_infogan_on_mnist_has_the_papers_codes_and_updates_but_for_what_is_ours():
    config = runs.resolve_recipe("infogan_mnist")
    assert (config.split, config.validation_split) == ("train[:55000]", "train[55000:]")
    asked = ("noise_dim", "categorical", "continuous", "information_weight")
    assert [config.recipe[name] for name in asked] == [62, (10,), 2, 0.1]
    # Ours: the paper has lambda 1, every layer twice as wide, and Q reads images as they are.
    growing = "diffaugment(affine, probability=cosine(0, 1, 1000))"
    assert (config.recipe["width"], config.recipe["code_augment"]) == (32, growing)
    asked = ("d_learning_rate", "g_learning_rate", "beta_1", "loss")
    assert [config.recipe[name] for name in asked] == [2e-4, 1e-3, 0.5, "infogan"]
    assert config.batch_size == 128
    assert config.epochs == 12  # the first to pass the 5,000 updates of the authors' launcher
    assert 11 * (55_000 // 128) < 5_000 <= 12 * (55_000 // 128)


@pytest.mark.usefixtures("made_up")
def test_dcgan_on_celeb_a_has_the_papers_numbers():
    config = runs.resolve_recipe("dcgan_celeb_a")
    assert (config.split, config.validation_split) == ("train", "validation")
    assert (config.batch_size, config.epochs) == (128, 25)
    asked = ("image_shape", "latent_dim", "generator_width", "discriminator_width", "discriminator_units")
    assert [config.recipe[name] for name in asked] == [(64, 64, 3), 100, 128, 128, 0]
    asked = ("learning_rate", "generator_learning_rate", "beta_1", "loss", "classes")
    assert [config.recipe[name] for name in asked] == [2e-4, 2e-4, 0.5, "non_saturating", None]


@pytest.mark.usefixtures("made_up")
def test_r3gan_on_cifar10_has_the_papers_numbers():
    config = runs.resolve_recipe("r3gan_cifar10")
    assert (config.split, config.validation_split) == ("train[:45000]", "train[45000:]")
    assert config.batch_size == 512
    asked = ("image_shape", "width", "full_width_until", "blocks", "group_width", "latent_dim", "embedding_dim")
    assert [config.recipe[name] for name in asked] == [(32, 32, 3), 768, 32, 2, 16, 64, 64]
    assert config.recipe["classes"] == tuple("0123456789")  # whose names are not there
    # 20 million images in batches of 512 are 39,062 updates; the penalties' weights are half of gamma, .05 -> .005.
    r = "cosine(0.025, 0.0025, 39062)"
    assert config.recipe["penalties"] == f"r1({r}), r2({r})"
    assert config.recipe["learning_rate"] == "cosine(0.0002, 5e-05, 39062)"
    assert config.recipe["beta_2"] == "cosine(0.9, 0.99, 39062)"
    assert config.recipe["ema_decay"] == "halving(cosine(0, 9765.62, 39062))"  # 5 million images
    assert "probability=cosine(0, 0.55, 39062)" in config.recipe["augment"]
    assert 448 * (45_000 // 512) < 39_062 <= config.epochs * (45_000 // 512) == 449 * 87


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize(
    ("name", "splits", "images", "epochs"),
    [
        ("r3gan_celeb_a", ("train", "validation"), 162_770, 124),
        ("r3gan_stl10", ("unlabelled[:95000]", "unlabelled[95000:]"), 95_000, 211),
    ],
)
def test_r3gan_at_64_pixels_has_the_numbers_for_ffhq(name, splits, images, epochs):
    config = runs.resolve_recipe(name)
    assert (config.split, config.validation_split) == splits
    assert config.batch_size == 256
    asked = ("image_shape", "width", "full_width_until", "blocks", "group_width", "classes")
    assert [config.recipe[name] for name in asked] == [(64, 64, 3), 768, 32, 2, 16, None]
    # 20 million images in batches of 256 are 78,125 updates; gamma falls from 2 to .2.
    assert config.recipe["penalties"] == "r1(cosine(1, 0.1, 78125)), r2(cosine(1, 0.1, 78125))"
    assert config.recipe["learning_rate"] == "cosine(0.0002, 5e-05, 78125)"
    assert config.recipe["ema_decay"] == "halving(cosine(0, 1953.12, 78125))"  # half a million images
    assert "probability=cosine(0, 0.3, 78125)" in config.recipe["augment"]
    assert config.epochs == epochs
    assert (epochs - 1) * (images // 256) < 78_125 <= epochs * (images // 256)


def test_a_recipe_without_weights_says_that_it_is_one(capsys):
    expected = re.escape(
        "There is no preset, run folder or .keras file 'r3gan_cifar10': it is a recipe, which comes without weights. "
        "Train it with: kerasgan train --recipe=r3gan_cifar10"
    )
    assert not {*RECIPES} & {*kerasgan.list_presets()}
    for ask in (kerasgan.GAN.from_preset, presets.find):
        with pytest.raises(ValueError, match=f"^{expected}$"):
            ask("r3gan_cifar10")
    assert cli.main(["list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("recipes without weights"))
    listed = line.partition("--recipe: ")[2].split(", ")
    assert {*RECIPES} <= {*listed}
    assert not {*listed} & {*kerasgan.list_presets()}
