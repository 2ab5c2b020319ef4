"""Presets on disk: written whole, loaded with what they hold, refused where they are damaged."""

import json
import re
import shutil
import tarfile
import zipfile

import keras
import numpy as np
import pytest
from conftest import assert_same_weights, quarters_gan, small_gan, small_images
from PIL import Image

import kerasgan
from kerasgan import presets
from kerasgan.files import sha256_of


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

    assert {path.name for path in preset.iterdir()} == set(presets.FILES)
    metadata = json.loads((preset / "metadata.json").read_text())
    assert metadata["steps"] == 4


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
    assert len(list((tmp_path / "small").iterdir())) == len(presets.FILES)


def gan_with(layer):
    generator = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(64, activation="tanh"), layer, keras.layers.Reshape((8, 8, 1))]
    )
    discriminator = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    made = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(4))
    made.compile()
    return made


class Mine(keras.layers.Layer):
    """A layer that nobody has registered."""

    def call(self, inputs):
        return inputs


@keras.saving.register_keras_serializable("presets_test")
class Registered(keras.layers.Layer):
    """A layer that holds another one, and code in it."""

    def __init__(self, inner=None, **options):
        super().__init__(**options)
        self.inner = keras.layers.Lambda(lambda x: x) if inner is None else inner

    def call(self, inputs):
        return self.inner(inputs)

    def get_config(self):
        return {**super().get_config(), "inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "inner": keras.saving.deserialize_keras_object(config["inner"])})


@pytest.mark.parametrize("unsafe", [False, True])
@pytest.mark.parametrize(
    ("layer", "found"),
    [
        (lambda: keras.layers.Lambda(lambda x: x), "it has a Lambda layer, which is code"),
        (lambda: Mine(), r"it names .*presets_test.*Mine"),
        (lambda: Registered(), "it has a Lambda layer, which is code"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(tmp_path, layer, found, unsafe):
    """Whatever Keras has been told to allow in this process."""
    if unsafe:
        keras.config.enable_unsafe_deserialization()
    try:
        with pytest.raises(ValueError, match=f"This GAN cannot be saved as a preset, .*: {found}") as raised:
            gan_with(layer()).save_to_preset(tmp_path / "mine")
    finally:
        keras.src.backend.common.global_state.set_global_attribute("safe_mode_saving", None)
    assert "safe_mode" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "mine").exists()


def test_images_that_have_no_picture_are_saved_without(tmp_path):
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(16), keras.layers.Reshape((2, 2, 4))])
    discriminator = keras.Sequential([keras.Input((2, 2, 4)), keras.layers.Flatten(), keras.layers.Dense(1)])
    four_channels = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(2))
    four_channels.compile()
    four_channels.save_to_preset(tmp_path / "rgba")
    assert not (tmp_path / "rgba" / "samples.png").exists()
    np.testing.assert_array_equal(presets.load(tmp_path / "rgba").generate(2), four_channels.generate(2))


def test_a_conditional_models_preset_names_and_shows_its_classes(tmp_path):
    gan = quarters_gan(names=("Shirt", "Bag", "Hat", "Shoe"), shares=(0.1, 0.2, 0.3, 0.4))
    folder = gan.save_to_preset(tmp_path / "clothes")
    assert presets.read_metadata(folder)["classes"] == ["Shirt", "Bag", "Hat", "Shoe"]
    with Image.open(folder / "samples.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), kerasgan.plots.by_class(gan)[..., 0])
    [asked] = re.findall(r'samples = gan\.generate\(16, labels="(.*)"\)', (folder / "README.md").read_text())
    loaded = presets.load(folder)
    np.testing.assert_array_equal(loaded.generate(16, labels=asked), gan.generate(16, labels=3))
    assert loaded.class_names == gan.class_names
    assert loaded.latent.shares == gan.latent.shares


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
            "it names kerasgan.gan.GUN, neither a part of networks that Keras has nor registered",
        ),
    ],
)
def test_damaged_presets(preset, tmp_path, name, spoil, message):
    folder = tmp_path / "damaged"
    shutil.copytree(preset, folder)
    (folder / name).write_bytes(spoil((folder / name).read_bytes()))
    with pytest.raises(ValueError, match=f"Cannot load the preset .*{message}"):
        presets.load(folder)


def spoil_json(folder, name, **changes):
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**content, **changes}))


def test_weights_in_half_the_space(gan, preset, tmp_path):
    """float16 has eleven bits, so a weight is off by 1/2048 of itself at most; whole numbers stay what they are."""
    half = gan.save_to_preset(tmp_path / "half", half=True)
    loaded = presets.load(half)
    for before, after in zip(gan.variables, loaded.variables, strict=True):
        assert before.dtype == after.dtype
        np.testing.assert_allclose(np.asarray(after), np.asarray(before), rtol=2**-11, atol=2**-24)
    assert int(loaded.step) == 4
    assert presets.read_metadata(half)["storage"] == "float16"
    assert (half / "model.weights.h5").stat().st_size < (preset / "model.weights.h5").stat().st_size
    gan.generator.trainable_variables[0].assign(gan.generator.trainable_variables[0] + 1e5)
    with pytest.raises(ValueError, match="is not finite in float16; store float32"):
        gan.save_to_preset(tmp_path / "half", half=True)
    gan.generator.trainable_variables[0].assign(gan.generator.trainable_variables[0] - 1e5)
    presets.load(half)


def test_large_weights_in_less_than_half_the_space(tmp_path):
    """Packed, because the exponents of a layer's weights are much alike; the chunks must not cost more than that."""
    gan = kerasgan.create_model("vanilla_gan", image_shape=(8, 8, 1), generator_units=400)
    whole, half = (gan.save_to_preset(tmp_path / str(half), half=half) / "model.weights.h5" for half in (False, True))
    assert half.stat().st_size < 0.49 * whole.stat().st_size


def test_the_card_says_what_the_metadata_says(gan, tmp_path):
    score = {"value": 12.34, "error": 0.5, "n_real": 10000, "n_fake": 9000, "features": "some_classifier", "seed": 7}
    folder = gan.save_to_preset(
        tmp_path / "mine", {"licence": "MIT", "recipe": "kerasgan train --it", "notes": "Luck."}
    )
    assert "No scores have been measured" in (folder / "README.md").read_text()
    evaluation = "kerasgan evaluate --preset=mine"
    presets.add_metadata(folder, scores={"fcd": score}, last={"fcd": {**score, "value": 99.0}}, evaluation=evaluation)
    card = (folder / "README.md").read_text()
    facts = json.loads((folder / "metadata.json").read_text())
    row = "| `fcd` | 12.34 ± 0.5 | 99 ± 0.5 | 10,000 / 9,000 | some_classifier | 7 |"
    for expected in (row, facts["weights_sha256"], "MIT", "kerasgan train --it", "Luck.", evaluation, "# mine"):
        assert expected in card
    presets.load(folder)


def test_the_card_is_told_how_to_load_it(gan, tmp_path, monkeypatch):
    """A name where it comes with kerasgan, else the way to it."""
    cards = []
    monkeypatch.setattr(kerasgan.cards, "write", lambda facts, picture: cards.append(facts["address"]) or "")
    monkeypatch.setattr(kerasgan, "__path__", [*kerasgan.__path__, str(tmp_path / "installed")])
    monkeypatch.chdir(tmp_path)
    for folder in ("installed/saved_models/mine", "presets/mine", tmp_path / "presets" / "mine"):
        gan.save_to_preset(folder)
        presets.add_metadata(folder, licence="MIT")
        assert "address" not in presets.read_metadata(folder)
    monkeypatch.chdir("installed")
    gan.save_to_preset("../presets/mine")
    assert cards == ["mine"] * 2 + ["presets/mine"] * 4 + ["path/to/mine"]


@pytest.fixture
def shipped(preset, tmp_path, monkeypatch):
    """An installation with the preset `small` in it."""
    shutil.copytree(preset, tmp_path / "installed" / "saved_models" / "small")
    monkeypatch.setattr(kerasgan, "__path__", [*kerasgan.__path__, str(tmp_path / "installed")])


@pytest.mark.usefixtures("shipped")
def test_presets_by_name(gan, tmp_path, monkeypatch):
    assert "small" in kerasgan.list_presets()
    assert "fashion_mnist_classifier" not in kerasgan.list_presets()
    np.testing.assert_array_equal(kerasgan.GAN.from_preset("small").generate(2), gan.generate(2))
    with pytest.raises(ValueError, match=r"no preset, run folder or \.keras file 'smal'.* Did you mean 'small'\?"):
        presets.load("smal")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small").mkdir()
    presets.load("small")  # names come before paths
    with pytest.raises(ValueError, match="small is no preset"):
        presets.load("./small")


def test_a_newer_librarys_preset(preset, tmp_path):
    folder = tmp_path / "new"
    shutil.copytree(preset, folder)
    spoil_json(folder, "metadata.json", libraries={"kerasgan": "99.1.0"})
    with pytest.raises(ValueError, match=r"kerasgan 99\.1\.0 wrote it, and this is 0.*pip install -U kerasgan"):
        presets.load(folder)


def archive_of(preset, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in preset.iterdir():
            archive.write(file, f"some/folder/{file.name}")
        archive.writestr("../outside.txt", "no")
    return path


def test_a_preset_from_the_net(gan, preset, tmp_path, monkeypatch):
    """The download is Keras's; here it takes files of this machine in place of addresses."""
    monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path / "cache"))
    downloads = []

    def download(address, filename, progress=None):
        downloads.append(address)
        shutil.copy(tmp_path / address.rpartition("/")[2], filename)

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", download)
    archive = archive_of(preset, tmp_path / "small.zip")
    digest = sha256_of(archive)
    for _ in range(2):
        loaded = kerasgan.GAN.from_preset("https://example.org/small.zip", sha256=digest)
        np.testing.assert_array_equal(loaded.generate(2), gan.generate(2))
    assert len(downloads) == 1
    assert {path.name for path in (tmp_path / "cache" / digest).iterdir()} == set(presets.FILES)
    assert not list(tmp_path.rglob("outside.txt"))

    with tarfile.open(tmp_path / "small.tar.gz", "w:gz") as archive:
        archive.add(preset, "small")
    presets.load("https://example.org/small.tar.gz", sha256_of(tmp_path / "small.tar.gz"))
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    for name, digest, message in (
        ("small.zip", "0" * 64, "Cannot download https://example.org/small.zip: "),
        ("small.zip", None, "needs its archive's sha256, 64 hexadecimal digits; found None"),
        ("small.zip", "abc", "64 hexadecimal digits; found 'abc'"),
        ("empty.zip", sha256_of(tmp_path / "empty.zip"), "holds no preset: it lacks config.json, metadata.json, model"),
        ("nowhere.zip", "1" * 64, "Cannot download https://example.org/nowhere.zip: "),
    ):
        with pytest.raises(ValueError, match=message):
            presets.load(f"https://example.org/{name}", digest)
    with pytest.raises(ValueError, match="from https://, hf:// or kaggle://; found http://"):
        presets.load("http://example.org/small.zip", digest)
    with pytest.raises(ValueError, match="sha256 is for archives at an https:// address"):
        presets.load(preset, "0" * 64)


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
    with pytest.raises(ValueError, match=r"is no preset, and holds neither a \.keras file"):
        presets.load(tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]
