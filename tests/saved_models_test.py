"""The trained presets that come along: whole, small, made as they say, and described by what was measured."""

import json
import pathlib
import re

import numpy as np
import pytest

import kerasgan
from kerasgan import cards, data, evaluation, presets, registry
from kerasgan.files import sha256_of

ROOT = pathlib.Path(__file__).parent.parent
NAMES = kerasgan.list_presets()
JUDGED = {  # on how many images of each kind, by which features
    "fashion_mnist": (10_000, "fashion_mnist_classifier"),
    "mnist": (10_000, "mnist_classifier"),
    "noto_emoji": (352, "efficientnet_lite0"),
}


def test_every_family_has_a_trained_preset():
    assert {registry.get_preset_recipe(name).model for name in NAMES} == set(kerasgan.list_models())
    assert {*NAMES} <= {*registry.list_preset_recipes()}  # of some data there are recipes alone


def test_they_are_small():
    weights = [path for path in (ROOT / "saved_models").rglob("*") if path.suffix in (".h5", ".keras")]
    assert sum(path.stat().st_size for path in weights) < 110e6


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_what_its_metadata_says(name):
    folder = presets.find(name)
    assert {path.name for path in folder.iterdir()} >= set(presets.FILES)
    facts = presets.read_metadata(folder)
    assert facts["weights_sha256"] == sha256_of(folder / "model.weights.h5")
    assert (folder / "README.md").read_text() == cards.write(facts, picture=True)
    assert facts["recipe"] == f"kerasgan train --recipe={name}"
    recipe = registry.get_preset_recipe(name)
    assert facts["notes"] == recipe.notes
    assert facts["dataset"] in ("fashion_mnist:3.0.1", "mnist:3.0.1", "noto_emoji:1.0.0")
    assert facts["dataset"].startswith(f"{recipe.dataset}:")
    assert facts["licence"]
    assert facts["seconds"] > 0
    assert 1 <= facts["epoch"] <= facts["epochs"]
    assert facts.get("settings", facts)["epochs"] == facts["epochs"]
    n, features = JUDGED[recipe.dataset]
    kinds = [kind for kind in ("scores", "last", "reference") if facts[kind]]  # no other epoch, no last one
    assert {"scores", "reference"} <= {*kinds}
    for kind in kinds:
        for score in ("fcd", "kid"):
            found = facts[kind][score]
            assert (found["n_real"], found["n_fake"], found["features"]) == (n, n, features)
    if recipe.dataset != "noto_emoji":
        assert len(facts["class_shares"]) == 10
    gan = presets.load(name)
    assert int(gan.step) == facts["steps"]
    images = gan.generate(16)
    assert images.shape == (16, *gan.sample_shape)
    assert images.std(0).mean() > 0.1  # not one and the same


def test_the_scores_are_those_of_the_stored_weights(fashion_mnist):
    """Of one preset, the quickest to draw from, the Fréchet distance computed anew."""
    judge = evaluation.Judge(data.load_array(fashion_mnist, "test"), dataset=fashion_mnist)
    gan = presets.load("vanilla_gan_fashion_mnist")
    fcd = judge.distances(gan.generate(10_000, batch_size=500), 0)["fcd"]
    stored = presets.read_metadata(presets.find("vanilla_gan_fashion_mnist"))["scores"]["fcd"]
    assert fcd.value == pytest.approx(stored["value"], rel=1e-3)


def test_the_readme_has_the_scores():
    """The tables in README.md, row by row."""
    text = (ROOT / "README.md").read_text()
    for name in NAMES:
        scores = presets.read_metadata(presets.find(name))["scores"]
        row = next(line for line in text.splitlines() if line.startswith(f"| [`{name}`]"))
        numbers = [float(number) for number in re.findall(r"(?<=\| )\d+(?:\.\d+)?", row)]
        grey = scores["fcd"]["features"] != "efficientnet_lite0"
        keys = ("fcd", "precision", "recall", "coverage", "parzen_nats")
        expected = [scores[key]["value"] for key in (keys if grey else ("kid", *keys[:4]))]
        np.testing.assert_allclose(numbers[: len(expected)], expected, rtol=6e-3, err_msg=name)


def test_configurations_hold_no_code_and_no_paths():
    for name in NAMES:
        text = (presets.find(name) / "config.json").read_text()
        assert "Lambda" not in text
        assert str(pathlib.Path.home()) not in text
        assert json.loads(text)["registered_name"] == "kerasgan>GAN"
