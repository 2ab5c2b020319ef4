"""Recipes for data that is not here: they are whole, run on images that tensorflow-datasets makes up, and say so."""

import pytest
import tensorflow_datasets as tfds

import kerasgan
from kerasgan import registry, runs

HERE = ("fashion_mnist", "noto_emoji")
NAMES = [name for name in registry.list_preset_recipes() if registry.get_preset_recipe(name).dataset not in HERE]
NARROW = {
    "dcgan": {"generator_width": 2, "discriminator_width": 2},
    "infogan": {},
    "r3gan": {"width": 32, "blocks": 1, "group_width": 2, "full_width_until": 4},
    "vanilla_gan": {"generator_units": 8, "discriminator_units": 4},
}


@pytest.fixture
def made_up():
    with tfds.testing.mock_data(num_examples=24, policy=tfds.testing.MockPolicy.USE_CODE):
        yield


def test_every_dataset_has_one():
    assert {registry.get_preset_recipe(name).dataset for name in NAMES} == {"cifar10", "celeb_a", "mnist", "stl10"}


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_trains(name, made_up, tmp_path):
    """Two steps of its own settings, with networks as narrow as they go."""
    recipe = registry.get_preset_recipe(name)
    assert runs.command(runs.resolve_recipe(name)) == f"kerasgan train --recipe={name}"
    settings = {**recipe.settings, **NARROW[recipe.model], "batch_size": 4, "epochs": None}
    whole = recipe.split.partition("[")[0]  # what is made up is 24 images of every split
    config = runs.resolve(recipe.model, recipe.dataset, whole, steps=2, **settings)
    gan = runs.train(config, tmp_path / "run", verbose=0)
    assert int(gan.step.numpy()) == 2
    assert gan.sample_shape == tuple(recipe.settings["image_shape"])
    assert (gan.class_names is not None) == recipe.settings.get("conditional", False)


def test_what_is_said_of_one_without_weights():
    assert not {*NAMES} & {*kerasgan.list_presets()}
    with pytest.raises(ValueError, match=r"r3gan_cifar10 is a recipe without weights. Train it: kerasgan train --re"):
        kerasgan.GAN.from_preset("r3gan_cifar10")


def test_the_papers_numbers(made_up):
    cifar = runs.resolve_recipe("r3gan_cifar10")
    assert (cifar.batch_size, cifar.epochs * 45_000 // 1_000_000) == (512, 20)
    assert cifar.recipe["penalties"] == "r1(cosine(0.025, 0.0025, 39062)), r2(cosine(0.025, 0.0025, 39062))"
    assert len(cifar.recipe["classes"]) == 10
    faces = runs.resolve_recipe("r3gan_celeb_a")
    assert (faces.batch_size, round(faces.epochs * 162_770 / 1e6), faces.recipe["width"]) == (256, 20, 768)
    dcgan = runs.resolve_recipe("dcgan_celeb_a").recipe
    assert (dcgan["generator_width"], dcgan["learning_rate"], dcgan["beta_1"]) == (128, 2e-4, 0.5)
