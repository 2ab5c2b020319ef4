"""The registry, and what importing costs."""

import json
import re
import subprocess
import sys

import pytest

import kerasgan
from kerasgan import registry


def test_the_zoo_is_found():
    models = kerasgan.list_models()
    assert models == sorted(models)
    assert {"dcgan", "ebgan", "infogan", "vanilla_gan"} <= set(models)
    for name in models:
        assert registry.get_family(name).summary


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match=r"'dcgan' is registered already, by kerasgan.zoo.dcgan"):
        registry.register("dcgan", registry.Recipe, "another")(lambda recipe: None)


def test_errors_name_what_is_known():
    with pytest.raises(ValueError, match=r"Unknown model 'dgcan'. Known: dcgan.*Did you mean 'dcgan'"):
        kerasgan.create_model("dgcan")
    with pytest.raises(ValueError, match=r"dcgan has no setting 'learning_rat'.*Did you mean 'learning_rate'"):
        kerasgan.create_model("dcgan", learning_rat=1)
    for field, value in (
        ("learning_rate", None),
        ("beta_1", "abc"),
        ("latent_dim", 2.5),
        ("seed", True),
        ("image_shape", 28),
        ("image_shape", ("a", 2, 1)),
    ):
        with pytest.raises(ValueError, match=rf"dcgan's {field} must be of type .*; found {re.escape(repr(value))}"):
            kerasgan.create_model("dcgan", **{field: value})
    with pytest.raises(ValueError, match=r"seed must be from 0 to 2\*\*31 - 1; found -1"):
        kerasgan.create_model("dcgan", seed=-1)
    for classes, message in (
        (1, "classes must be at least 2, or the names of as many; found 1"),
        (("cats",), r"found \('cats',\)"),
        (("cats", "dogs", "cats"), "Each of the 3 classes needs a name of its own; found 'cats' among them"),
        (("cats", ""), "found '' among them"),
        ("cats", "classes are a whole number or names in brackets, .*; found 'cats'"),
        (True, "dcgan's classes must be of type .*; found True"),
    ):
        with pytest.raises(ValueError, match=message):
            registry.get_recipe("dcgan", classes=classes)
    for name in ("ebgan", "infogan"):
        with pytest.raises(ValueError, match=f"{name} takes no classes: its .*; dcgan and vanilla_gan take them"):
            registry.get_recipe(name, classes=10)
    assert registry.get_recipe("dcgan", classes=["cats", "dogs"]).classes == ("cats", "dogs")
    assert registry.get_recipe("dcgan", learning_rate=1, image_shape=[32, 32, 3]).image_shape == (32, 32, 3)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        kerasgan.nonsense  # noqa: B018
    assert "create_model" in dir(kerasgan)


def test_the_recipe_reaches_the_model():
    gan = kerasgan.create_model(
        "dcgan",
        generator_width=2,
        discriminator_width=2,
        loss="kl",
        d_steps=3,
        fresh_noise=True,
        ema_decay=0.99,
        seed=4,
    )
    assert type(gan.loss).__name__ == "KL"
    assert (gan.d_steps, gan.fresh_noise, gan.ema_decay, gan.seed) == (3, True, 0.99, 4)


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_listing_imports_no_tensorflow(tmp_path):
    """Not even where a recipe and a run name penalties and augmentation, which only TensorFlow can check."""
    rules = {"penalties": "r1(5, every=16)", "augment": "adaptive", "classes": ["cats", "dogs"]}
    config = {"model": "dcgan", "dataset": "x", "split": "train", "epochs": 1, "batch_size": 2, "recipe": rules}
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "config.json").write_text(json.dumps(config))
    result = run_python(
        "import os, sys, kerasgan, kerasgan.cli\n"
        f"kerasgan.registry.register_preset('p', 'dcgan', 'x', 'train', 'test', **{rules})\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "assert kerasgan.cli.main(['list']) == 0 and kerasgan.cli.main(['--help']) == 0\n"
        "assert kerasgan.cli.main(['train', '--help']) == 0\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'matplotlib', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert result.returncode == 0, result.stderr
    assert "run: dcgan on x by 2 classes, not finished" in result.stdout


def test_a_fresh_process_can_load_a_saved_gan(tmp_path):
    """With kerasgan imported before Keras, and nothing of it touched."""
    gan = kerasgan.create_model("vanilla_gan", image_shape=(4, 4, 1), seed=3)
    gan.save(tmp_path / "gan.keras")
    result = run_python(
        "import kerasgan, keras\n"
        f"gan = keras.saving.load_model({str(tmp_path / 'gan.keras')!r})\n"
        "print(repr(gan.generate(1, seed=5).sum()))"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == repr(gan.generate(1, seed=5).sum())


def test_classes_in_odd_forms():
    with pytest.raises(ValueError, match=r"^classes are a whole number or names in brackets, .* found 'a,b'\."):
        registry.get_recipe("dcgan", classes="a,b")
    with pytest.raises(ValueError, match=r"^There may be 100000 classes; found 1000000000\.$"):
        registry.get_recipe("dcgan", classes=10**9)
