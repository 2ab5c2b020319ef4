"""SavedModels, run the way TF Serving's loader runs them: a session, without Keras."""

import json
import os
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_gan, small_images

import kerasgan
from kerasgan import callbacks, evaluation, serving
from kerasgan.serving import savedmodel


def run_signature(path, signature, **inputs):
    """Feeds one signature in a TF1 session, which finds variables by name only, as TF Serving does."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        definition = meta.signature_def[signature]
        assert set(definition.inputs) == set(inputs)
        outputs = {name: info.name for name, info in definition.outputs.items()}
        return session.run(outputs, {definition.inputs[name].name: value for name, value in inputs.items()})


@pytest.fixture(params=[None, 0.9], ids=["plain", "ema"])
def trained(request):
    gan = small_gan(ema_decay=request.param)
    gan.fit(small_images(), batch_size=8, epochs=1, verbose=0)
    return gan


def test_z_and_seeds_in_a_session(trained, tmp_path):
    trained.export(tmp_path / "model")
    seeds = np.array([4, 0, 9], np.int64)
    expected = np.concatenate([trained.generate(1, seed=int(seed)) for seed in seeds])
    z = trained.latent.from_seeds(seeds).numpy()

    from_z = run_signature(tmp_path / "model", "serving_default", z=z)
    assert set(from_z) == {"images"}
    assert from_z["images"].dtype == np.float32
    np.testing.assert_allclose(from_z["images"], expected, atol=1e-6)

    from_seeds = run_signature(tmp_path / "model", "sample", seed=seeds)
    assert set(from_seeds) == {"images", "z"}
    np.testing.assert_allclose(from_seeds["images"], expected, atol=1e-6)
    np.testing.assert_allclose(from_seeds["z"], z, atol=1e-6)

    single = run_signature(tmp_path / "model", "serving_default", z=z[1:2])["images"]
    np.testing.assert_allclose(single, expected[1:2], atol=1e-6)


def test_an_average_samples_the_same_wherever_it_is_kept(tmp_path):
    """With the batch statistics that belong to it: as a file, a checkpoint, a preset, and exported."""
    gan = small_gan(ema_decay=0.99)
    checkpoint = callbacks.TrainingCheckpoint(tmp_path / "checkpoints")
    gan.fit(small_images(), batch_size=8, epochs=5, verbose=0, callbacks=[checkpoint])
    gan.save(tmp_path / "gan.keras")
    gan.save_to_preset(tmp_path / "preset")
    gan.export(tmp_path / "model")
    before = gan.generate(8)
    kept = {
        "file": keras.saving.load_model(tmp_path / "gan.keras"),
        "checkpoint": callbacks.restore(tmp_path / "checkpoints"),
        "preset": kerasgan.GAN.from_preset(tmp_path / "preset"),
    }
    z = gan.latent.from_seeds(np.arange(8, dtype=np.int64))
    for name, loaded in kept.items():
        called = loaded.to_unit_range(loaded(z, training=False))  # brings nothing up to date, as `predict` does not
        np.testing.assert_allclose(called, before, atol=1e-6, err_msg=name)
        np.testing.assert_array_equal(loaded.generate(8), before, err_msg=name)
        np.testing.assert_array_equal(evaluation.generate(loaded, 8, 0), before, err_msg=name)
    exported = run_signature(tmp_path / "model", "sample", seed=np.arange(8))["images"]
    np.testing.assert_allclose(exported, before, atol=1e-6)

    # It is another network than the one that plays, and other statistics than those gathered while weights moved.
    assert np.abs(gan.to_unit_range(gan.generator(z, training=False)) - before).max() > 0.01
    gan.ema_generator.layers[1].set_weights(
        [*gan.ema_generator.layers[1].get_weights()[:2], *gan.generator.layers[1].get_weights()[2:]]
    )
    assert np.abs(gan.to_unit_range(gan.ema_generator(z, training=False)) - before).max() > 0.01


def test_export_keeps_keras_meaning(tmp_path):
    gan = small_gan()
    gan.export(tmp_path / "model")
    gan.generator.layers[-2].bias.assign(np.full(64, 9.0))  # tanh(9) is 1: white
    gan.export(tmp_path / "model")
    assert os.listdir(tmp_path) == ["model"]
    np.testing.assert_allclose(run_signature(tmp_path / "model", "sample", seed=[1])["images"], 1.0, atol=1e-4)

    gan.export(tmp_path / "keras_own", input_signature=[tf.TensorSpec((None, 4), tf.float32)])
    keras_own = tf.saved_model.load(tmp_path / "keras_own")  # it must live while its functions are called
    np.testing.assert_allclose(
        keras_own.serve(np.zeros((2, 4), np.float32)), gan(np.zeros((2, 4), np.float32)), atol=1e-6
    )


def test_places_that_hold_something_else(tmp_path):
    gan = small_gan()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "letter.txt").write_text("mine")
    with pytest.raises(ValueError, match="is a file; a SavedModel is a folder"):
        gan.export(tmp_path / "file")
    with pytest.raises(ValueError, match="holds files that are no SavedModel"):
        gan.export(tmp_path / "folder")
    with pytest.raises(ValueError, match="is a file; a folder is needed there"):
        serving.publish(gan, tmp_path / "file")
    with pytest.raises(ValueError, match="is a file; a folder is needed there"):
        gan.export(tmp_path / "file" / "below")
    with pytest.raises(ValueError, match=r"holds letter.txt, which is no version of a model"):
        serving.publish(gan, tmp_path / "folder")
    (tmp_path / "photos" / "2024").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"2024 is no SavedModel; publish into a new folder"):
        serving.publish(gan, tmp_path / "photos")
    with pytest.raises(TypeError, match="unexpected keyword argument 'opset_version'"):
        gan.export(tmp_path / "onnx", opset_version=3)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "photos"]
    assert os.listdir(tmp_path / "folder") == ["letter.txt"]


def test_publish_counts_up(tmp_path):
    gan = small_gan()
    folder = tmp_path / "models" / "small"
    gan.save_to_preset(folder)
    assert serving.publish(gan, folder) == folder / "1"
    (folder / "1").rename(folder / "7")
    assert serving.publish(gan, folder, metadata={"preset": "small", "scores": {"fcd": 1.5}}) == folder / "8"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"7", "8"}
    assert (folder / "8").stat().st_mode & 0o777 == 0o755

    facts = json.loads((folder / "8" / "assets.extra" / "kerasgan.json").read_text())
    assert facts["preset"] == "small"
    assert facts["scores"] == {"fcd": 1.5}
    assert facts["weights_sha256"] == savedmodel.weights_digest(kerasgan.GAN.from_preset(folder))
    assert facts["weights_sha256"] != savedmodel.weights_digest(small_gan(seed=1))
    assert facts["libraries"]["tensorflow"] == tf.__version__
    assert facts["signatures"]["score"] == {
        "inputs": {"images": {"dtype": "float32", "shape": [None, 8, 8, 1]}},
        "outputs": {"score": {"dtype": "float32", "shape": [None]}},
    }


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    import keras

    gan = small_gan()
    gan.export(tmp_path / "model")
    before = (tmp_path / "model" / "saved_model.pb").read_bytes()

    def disk_full(self, path, **options):
        os.makedirs(os.path.join(path, "variables"))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(keras.export.ExportArchive()), "write_out", disk_full)
    for write in (lambda: gan.export(tmp_path / "model"), lambda: serving.publish(gan, tmp_path / "versions")):
        with pytest.raises(OSError, match="No space left"):
            write()
    assert sorted(os.listdir(tmp_path)) == ["model", "versions"]
    assert os.listdir(tmp_path / "versions") == []
    assert (tmp_path / "model" / "saved_model.pb").read_bytes() == before


KILLED = """
import os, resource, sys
import keras
from conftest import small_gan
from kerasgan.serving import export, publish, savedmodel

what, folder = sys.argv[1:]
if what == "killed":  # in the midst of writing
    archive = type(keras.export.ExportArchive())
    write_out = archive.write_out
    archive.write_out = lambda *a, **k: (write_out(*a, **k), os.kill(os.getpid(), 9))
elif what == "full":  # no file may grow beyond 20 kB: what a full disk or a quota looks like to TensorFlow
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
elif what == "replacing":  # the old model has moved away and the new one has not come
    rename = os.rename
    os.rename = lambda a, b: os.kill(os.getpid(), 9) if str(a).endswith("new") else rename(a, b)
    export(small_gan(), folder)
publish(small_gan(), folder)
"""


def run_and_fail(what, folder):
    return subprocess.run(
        [sys.executable, "-c", KILLED, what, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_killed_in_the_middle(tmp_path):
    """No version appears, and the next export sweeps what the dead one has left, and only that."""
    folder = tmp_path / "model"
    assert run_and_fail("killed", folder).returncode == -9
    left = os.listdir(folder)
    assert len(left) == 1
    assert left[0].startswith(".kerasgan-export-")
    assert (folder / left[0] / "new" / "saved_model.pb").is_file()  # it did write something

    with savedmodel._temporary(folder, "version") as alive:  # another export, at work now
        assert [path.name for path in folder.iterdir()] == [alive.name]  # swept already
        assert serving.publish(small_gan(), folder) == folder / "1"
        assert alive.is_dir()
    assert os.listdir(folder) == ["1"]


def test_a_full_disk(tmp_path):
    result = run_and_fail("full", tmp_path / "model")
    assert result.returncode == 1
    assert "ResourceExhausted" in result.stderr or "File too large" in result.stderr
    assert os.listdir(tmp_path / "model") == []


def test_killed_while_it_replaces_a_model(tmp_path):
    first = small_gan(seed=1)
    first.export(tmp_path / "model")
    assert run_and_fail("replacing", tmp_path / "model").returncode == -9
    assert not (tmp_path / "model").exists()
    small_gan().export(tmp_path / "another")  # the next export beside it brings it back
    assert sorted(os.listdir(tmp_path)) == ["another", "model"]
    images = run_signature(tmp_path / "model", "sample", seed=[1])["images"]
    np.testing.assert_allclose(images, first.generate(1, seed=1), atol=1e-6)


def test_two_publishers_at_once_get_two_versions(tmp_path):
    gans = [small_gan(), small_gan()]
    published = []
    threads = [threading.Thread(target=lambda g=g: published.append(serving.publish(g, tmp_path))) for g in gans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in published) == ["1", "2"]
    assert sorted(os.listdir(tmp_path)) == ["1", "2"]


def test_samples_that_are_no_images(tmp_path):
    import keras

    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    gan = kerasgan.GAN(generator, discriminator, kerasgan.latents.Normal(2), value_range=None)
    gan.export(tmp_path / "points")
    outputs = run_signature(tmp_path / "points", "sample", seed=[3, 4])
    assert set(outputs) == {"samples", "z"}
    np.testing.assert_allclose(outputs["samples"], gan.generate(2, seed=3), atol=1e-6)


def test_a_process_without_kerasgan_can_load_it(tmp_path):
    """TF1's session in a process in which kerasgan was never imported."""
    gan = small_gan()
    gan.export(tmp_path / "model")
    code = (
        "import sys, tensorflow.compat.v1 as tf\n"
        "session = tf.Session(graph=tf.Graph())\n"
        "with session.graph.as_default():\n"
        f"    meta = tf.saved_model.load(session, ['serve'], {str(tmp_path / 'model')!r})\n"
        "s = meta.signature_def['sample']\n"
        "out = session.run(s.outputs['images'].name, {s.inputs['seed'].name: [5]})\n"
        "assert 'kerasgan' not in sys.modules\n"
        "print(float(out.sum()))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) == pytest.approx(float(gan.generate(1, seed=5).sum()), abs=1e-4)
