"""Files for other runtimes draw what the model draws, say of themselves what they are, and fail in one line."""

import json
import subprocess
import sys

import conftest
import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasgan
from kerasgan import formats, registry
from kerasgan.cli import main
from kerasgan.formats import description, table, verification

NAMES = list(formats.FORMATS)


def ending(name):
    return formats.FORMATS[name].ending


def opened(path):
    return table.by_path(path).module.File(path)


def about(path):
    return description.from_text(opened(path).text)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A conditional GAN and its file in each format."""
    gan, folder = conftest.quarters_gan(), tmp_path_factory.mktemp("written")
    return gan, {name: gan.export(folder / f"gan{ending(name)}", format=name) for name in NAMES}


@pytest.mark.parametrize("family", registry.list_models())
def test_every_family_draws_in_other_runtimes_what_it_draws_here(tmp_path, family):
    gan = kerasgan.create_model(family)
    z = gan.draw_latents(3, seed=7)
    for name in ("onnx", "litert"):  # of the former OpenVINO's is made
        file = opened(formats.export(gan, tmp_path / f"gan{ending(name)}"))
        for rows in (1, 3):
            np.testing.assert_allclose(file.run(z[:rows])["images"], gan.generate(z=z[:rows]), atol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_what_is_needed_to_draw_with_it(written, name):
    _, paths = written
    found = about(paths[name])
    assert found["kerasgan"] == kerasgan.__version__
    assert found["input"] == {"name": "z", "shape": [None, 6], "dtype": "float32"}
    assert found["output"] == {"name": "images", "shape": [None, 8, 8, 1], "dtype": "float32", "range": [0.0, 1.0]}
    noise = {"part": "noise", "from": 0, "size": 2, "kind": "Uniform", "low": -1.0, "high": 1.0}
    assert found["latent"] == [noise, {"part": "label", "from": 2, "size": 4, "shares": None}]
    assert found["class_names"] == ["a", "b", "c", "d"]
    assert found["value_range"] == [-1, 1]
    z = np.zeros((4, 6), np.float32)
    z[:, 2:] = np.eye(4)  # a label each, as the description says
    brightest = opened(paths[name]).run(z)["images"].reshape(4, 2, 4, 2, 4).mean((2, 4)).reshape(4, 4).argmax(1)
    assert brightest[:3].tolist() == [0, 1, 2]  # of d the noise says where


def test_codes_and_points(tmp_path):
    """z comes out as it goes in."""
    gan = conftest.coded_gan()
    z = gan.draw_latents(2, seed=1)
    for name in NAMES:
        path = gan.export(tmp_path / f"points{ending(name)}", format=name)
        found = about(path)
        assert [part["part"] for part in found["latent"]] == ["noise", "categorical", "continuous"]
        assert [(part["from"], part["size"]) for part in found["latent"]] == [(0, 2), (2, 3), (5, 2)]
        assert found["output"]["range"] is found["value_range"] is found["class_names"] is None
        np.testing.assert_array_equal(opened(path).run(z)["samples"], z)


@pytest.mark.parametrize("name", NAMES)
def test_verify_runs_the_file_without_tensorflow(written, name, capfd):
    _, paths = written
    report = formats.verify(paths[name])
    assert report.passed
    assert report.largest <= 1e-6
    (milliseconds,) = report.milliseconds.values()
    assert [*milliseconds] == [1, 64]
    assert min(milliseconds.values()) > 0
    assert f"{report.runtime}, float32" in report.table()
    found = subprocess.run(  # the runner itself fails where TensorFlow is imported
        [sys.executable, "-m", "kerasgan.formats.runner", paths[name]], capture_output=True, text=True, check=True
    )
    assert "error" not in json.loads(found.stdout.splitlines()[-1])


def test_a_file_of_bfloat16_computes_in_float32(tmp_path):
    gan = kerasgan.create_model("dcgan", image_shape=(32, 32, 3), generator_width=8, precision="bfloat16")
    exact = kerasgan.create_model("dcgan", image_shape=(32, 32, 3), generator_width=8)
    exact.generator.set_weights(gan.generator.get_weights())
    z = gan.draw_latents(4, seed=0)
    file = opened(formats.export(gan, tmp_path / "gan.onnx"))
    np.testing.assert_allclose(file.run(z)["images"], exact.generate(z=z), atol=1e-5)
    assert gan.generator.compute_dtype == "bfloat16"


def test_a_network_of_its_own_class_in_bfloat16_is_refused(tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(dtype="mixed_bfloat16", name="own")
            self.dense = keras.layers.Dense(16, dtype="mixed_bfloat16")

        def call(self, z):
            return keras.ops.reshape(self.dense(z), (-1, 4, 4, 1))

    own = Own()
    own(np.zeros((1, 4), np.float32))
    gan = kerasgan.GAN(own, strange_gan().discriminator, kerasgan.latents.Normal(4))
    with pytest.raises(ValueError, match="Other formats are written in float32, and own computes in bfloat16"):
        gan.export(tmp_path / "own.onnx", format="onnx")


@pytest.mark.parametrize(
    ("name", "precision", "share", "off"),
    [("onnx", "float16", 0.6, 2e-3), ("litert", "float16", 0.6, 2e-3), ("litert", "int8", 0.4, 0.05),
     ("openvino", "float16", 0.6, 2e-3)],
)  # fmt: skip
def test_smaller_numbers_make_smaller_files_and_a_difference_that_is_told(tmp_path, name, precision, share, off):
    gan = kerasgan.create_model("vanilla_gan")
    whole = gan.export(tmp_path / f"whole{ending(name)}", format=name)
    small = gan.export(tmp_path / f"small{ending(name)}", format=name, precision=precision)
    sizes = [sum(path.stat().st_size for path in verification.files_of(file)) for file in (small, whole)]
    assert sizes[0] < share * sizes[1]
    report = formats.verify(small)
    z = description.recorded_z(about(small)["recorded"])
    apart = np.abs(opened(small).run(z)["images"] - gan.generate(z=z)).max()
    assert report.largest == pytest.approx(apart, rel=0.05, abs=1e-6)
    assert 0 < report.largest < off
    assert report.passed
    assert f", {precision}, " in report.table()


def test_verify_takes_the_times_of_the_model_too(tmp_path):
    gan = conftest.small_gan()
    gan.save_to_preset(tmp_path / "mine")
    path = formats.export(gan, tmp_path / "mine.onnx", preset="vanilla_gan_fashion_mnist")  # which has other weights
    assert len(formats.verify(path).milliseconds) == 1
    report = formats.verify(path, tmp_path / "mine")
    assert [*report.milliseconds][1:] == ["SavedModel", "the model, generate"]
    conftest.small_gan(seed=1).save_to_preset(tmp_path / "other")
    with pytest.raises(ValueError, match="other has other weights than the file was made from"):
        formats.verify(path, tmp_path / "other")


class Strange(keras.layers.Layer):
    """An operation that no other format has."""

    def call(self, x):
        return tf.math.igamma(tf.abs(x) + 1.0, tf.abs(x))


def strange_gan():
    generator = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(16), Strange(), keras.layers.Reshape((4, 4, 1))]
    )
    discriminator = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    return kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(4))


@pytest.mark.parametrize(("name", "of"), [("onnx", "ONNX"), ("litert", "LiteRT"), ("openvino", "ONNX")])
def test_an_operation_that_a_format_lacks_is_named_and_what_was_there_stays(tmp_path, name, of):
    path = tmp_path / f"gan{ending(name)}"
    path.write_text("as it was")
    with pytest.raises(ValueError, match=rf"^{of} cannot hold this network: Igamma\.$"):
        strange_gan().export(path, format=name)
    assert path.read_text() == "as it was"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_what_can_be_said_wrongly(tmp_path, monkeypatch):
    gan = conftest.small_gan()
    for arguments, words in [
        (
            ("gan.onnx", "onxx"),
            "format must be one of tf_saved_model, onnx, litert, openvino; found 'onxx'. Did you mean",
        ),
        (("gan.bin", "onnx"), "A file of the format onnx ends in .onnx; found .*gan.bin"),
        (("gan.onnx", "onnx", "int8"), "precision must be one of float32, float16 for onnx; found 'int8'"),
        (("gan.onx",), "No format's files end as '.*gan.onx' does; say format="),
    ]:
        with pytest.raises(ValueError, match=words):
            formats.export(gan, tmp_path / arguments[0], *arguments[1:])
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(ValueError, match="is a folder; give the name of a file"):
        gan.export(tmp_path / "folder.onnx", format="onnx")
    for name in NAMES:
        for module in {*formats.FORMATS[name].writers}:
            with monkeypatch.context() as patch:
                patch.setitem(sys.modules, module, None)
                with pytest.raises(ValueError, match=rf"needs {module} \(.*\): pip install 'kerasgan\[{name}\]'\."):
                    gan.export(tmp_path / f"gan{ending(name)}", format=name)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_cut_or_is_anothers(written, tmp_path, name):
    _, paths = written
    content = paths[name].read_bytes()
    path = tmp_path / f"cut{ending(name)}"
    for part in (b"", content[:40], content[: len(content) // 2]):
        path.write_bytes(part)
        report = formats.verify(path)
        assert not report.passed
        assert report.table().startswith("runs         FAILED  ")
        assert report.table().count("\n") == 0
    with pytest.raises(ValueError, match=r"missing\..* is no file"):
        formats.verify(tmp_path / f"missing{ending(name)}")


def test_a_file_of_another_program_and_weights_that_are_gone(written, tmp_path):
    import onnx

    _, paths = written
    model = onnx.load(str(paths["onnx"]))
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / "other.onnx"))
    assert (
        formats.verify(tmp_path / "other.onnx").error == "it has no description by kerasgan: another program wrote it"
    )
    (tmp_path / "gan.xml").write_bytes(paths["openvino"].read_bytes())
    assert formats.verify(tmp_path / "gan.xml").error == "its weights are missing, gan.bin beside it"
    with pytest.raises(ValueError, match=r"is a file of no format known here, which end in \.onnx, \.tflite, \.xml"):
        formats.verify(tmp_path / "gan.pt")


def test_the_commands(tmp_path, capsys):
    conftest.small_gan().save_to_preset(tmp_path / "mine")
    preset, path = f"--preset={tmp_path / 'mine'}", tmp_path / "mine.tflite"
    assert main(["export", preset, "--format=litert", "--precision=int8", f"--output={path}"]) == 0
    assert "mine.tflite tries it" in capsys.readouterr().err
    assert about(path)["preset"] is None  # and nothing of the folder
    assert main(["verify", str(path), preset]) == 0
    out = capsys.readouterr().out
    assert "no bound is known" in out
    assert "SavedModel" in out
    path.write_bytes(path.read_bytes()[:100])
    assert main(["verify", str(path)]) == 1
    capsys.readouterr()
    for arguments, words in [
        ([preset, "--format=onxx", "--output=a.onnx"], "Did you mean 'onnx'?"),
        ([preset, "--format=onnx", "--output=folder"], "--output must end in .onnx for --format=onnx"),
        ([preset, "--format=onnx", "--output=a.onnx", "--xla"], "--xla is TensorFlow's"),
        ([preset, "--format=onnx", "--output=a.onnx", "--precision=int8"], "precision must be one of float32, float16"),
        ([preset, "--precision=int8", "--output=folder"], "--precision is of files"),
    ]:
        assert main(["export", *arguments]) in (1, 2)
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
