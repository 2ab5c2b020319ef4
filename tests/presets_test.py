"""Presets on disk: written whole, loaded with what they hold, refused where they are damaged."""

import json
import re
import shutil

import keras
import numpy as np
import pytest
from conftest import assert_same_weights, small_gan, small_images

import kerasgan
from kerasgan import presets


@pytest.fixture(scope="module")
def gan():
    gan = small_gan(ema_decay=0.9)
    gan.compile(loss="kl", d_steps=2)
    gan.fit(small_images(), batch_size=16, verbose=0)
    return gan


@pytest.fixture(scope="module")
def preset(gan, tmp_path_factory):
    return gan.save_to_preset(tmp_path_factory.mktemp("presets") / "small")


def test_what_is_saved_is_loaded(gan, preset, recwarn):
    loaded = kerasgan.GAN.from_preset(preset)
    for before, after in zip(gan.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(gan.generate(3, seed=5), loaded.generate(3, seed=5))
    assert loaded.d_steps == 2
    assert isinstance(loaded.loss, kerasgan.losses.KL)
    assert int(loaded.d_optimizer.iterations) == 0  # the optimizers begin anew
    loaded.fit(small_images(), batch_size=16, verbose=0)
    assert not [warning for warning in recwarn if "Skipping variable" in str(warning.message)]

    assert sorted(path.name for path in preset.iterdir()) == [
        "config.json",
        "metadata.json",
        "model.weights.h5",
        "samples.png",
    ]
    metadata = json.loads((preset / "metadata.json").read_text())
    assert metadata["steps"] == 4
    assert {path.name for path in preset.iterdir()} < set(presets.FILES)


def test_saving_again_replaces_and_leaves_versions(gan, tmp_path):
    (tmp_path / "small" / "1").mkdir(parents=True)
    gan.save_to_preset(tmp_path / "small")
    other = small_gan(seed=3)
    other.save_to_preset(tmp_path / "small")
    assert_same_weights(presets.load(tmp_path / "small"), other)
    assert (tmp_path / "small" / "1").is_dir()


def test_a_failure_leaves_the_old_preset(gan, tmp_path, monkeypatch):
    gan.save_to_preset(tmp_path / "small")

    def disk_full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kerasgan.plots, "samples", disk_full)
    with pytest.raises(OSError, match="No space left"):
        small_gan(seed=3).save_to_preset(tmp_path / "small")
    np.testing.assert_array_equal(presets.load(tmp_path / "small").generate(2), gan.generate(2))
    assert len(list((tmp_path / "small").iterdir())) == 4


def test_images_that_have_no_picture_are_saved_without(tmp_path):
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(16), keras.layers.Reshape((2, 2, 4))])
    discriminator = keras.Sequential([keras.Input((2, 2, 4)), keras.layers.Flatten(), keras.layers.Dense(1)])
    four_channels = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(2))
    four_channels.compile()
    four_channels.save_to_preset(tmp_path / "rgba")
    assert not (tmp_path / "rgba" / "samples.png").exists()
    np.testing.assert_array_equal(presets.load(tmp_path / "rgba").generate(2), four_channels.generate(2))


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("model.weights.h5", lambda b: b[:-1] + bytes([b[-1] ^ 1]), "the sha256 of model.weights.h5 is not the one"),
        ("model.weights.h5", lambda b: b[:100], "the sha256 of model.weights.h5 is not the one"),
        ("metadata.json", lambda b: b[:10], "it is damaged"),
        ("metadata.json", lambda b: b"{}", "it is damaged"),
        ("metadata.json", lambda b: b"[]", "it is damaged"),
        ("config.json", lambda b: b[: len(b) // 2], "it is damaged"),
        ("config.json", lambda b: re.sub(rb'"input_shape": \[[^]]*\]', b'"input_shape": []', b), "it is damaged"),
        (
            "config.json",
            lambda b: b.replace(b"kerasgan>GAN", b"kerasgan>GUN").replace(b'"GAN"', b'"GUN"'),
            "it is damaged",
        ),
    ],
)
def test_damaged_presets(preset, tmp_path, name, spoil, message):
    folder = tmp_path / "damaged"
    shutil.copytree(preset, folder)
    (folder / name).write_bytes(spoil((folder / name).read_bytes()))
    with pytest.raises(ValueError, match=f"Cannot load the preset .*{message}"):
        presets.load(folder)


def test_an_uncompiled_gan_and_places_that_are_none(gan, tmp_path):
    bare = kerasgan.GAN.from_config(gan.get_config())
    with pytest.raises(ValueError, match="Only a compiled GAN makes a preset"):
        bare.save_to_preset(tmp_path / "bare")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="is a file; a folder is needed there"):
        gan.save_to_preset(tmp_path / "file")
    with pytest.raises(ValueError, match="There is no preset, run folder"):
        presets.load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="is no preset, and holds neither final"):
        presets.load(tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]
