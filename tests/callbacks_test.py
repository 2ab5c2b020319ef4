"""Our callbacks, and Keras's own on a model with two optimizers."""

import csv
import shutil
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import assert_same_weights, small_gan, small_images
from PIL import Image

import kerasgan
from kerasgan import callbacks


def fit(gan, *used, epochs=2, **options):
    return gan.fit(
        small_images(32), batch_size=8, epochs=epochs, shuffle=False, verbose=0, callbacks=[*used], **options
    )


def test_sample_grid_per_epoch(tmp_path):
    gan = small_gan()
    fit(gan, callbacks.SampleGrid(tmp_path, n=9, seed=3))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "samples.gif",
        "step-00000000.png",
        "step-00000004.png",
        "step-00000008.png",
    ]
    with Image.open(tmp_path / "step-00000008.png") as picture:
        assert picture.size == (3 * 8 + 4, 3 * 8 + 4)
        drawn = np.asarray(picture)[10:18, 10:18] / 255  # image 4, the middle one
    np.testing.assert_allclose(drawn, gan.generate(1, seed=7)[0, ..., 0], atol=0.6 / 255)
    with Image.open(tmp_path / "samples.gif") as gif:
        assert gif.n_frames == 3


def test_sample_grid_every_n_steps_and_for_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    fit(small_gan(), callbacks.SampleGrid(tmp_path / "png", n=4, every=3, log_dir=tmp_path / "log"))
    assert [p.name for p in sorted((tmp_path / "png").glob("*.png"))] == [f"step-{n:08d}.png" for n in (0, 3, 6, 8)]
    (log,) = (tmp_path / "log").iterdir()
    events = [e for e in tf.compat.v1.train.summary_iterator(str(log)) if e.summary.value]
    assert [e.step for e in events] == [0, 3, 6, 8]
    assert events[0].summary.value[0].tag == "samples"


def test_sample_grid_draws_points(tmp_path):
    gan = kerasgan.create_model("vanilla_gan", image_shape=(2,), generator_units=4, discriminator_units=2)
    real = kerasgan.toys.ring().sample(20)
    gan.fit(real, batch_size=10, verbose=0, callbacks=[callbacks.SampleGrid(tmp_path, real=real)])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["samples.gif", "step-00000000.png", "step-00000002.png"]
    gan = kerasgan.create_model("vanilla_gan", image_shape=(5,), generator_units=4, discriminator_units=2)
    with pytest.raises(ValueError, match=r"SampleGrid draws images, and points .*; this model's have \(5,\)"):
        gan.fit(np.zeros((10, 5), np.float32), verbose=0, callbacks=[callbacks.SampleGrid(tmp_path)])


@pytest.mark.parametrize("every", [0, -1, 2.5, "batch", True])
def test_frequencies_are_checked(every, tmp_path):
    for kind in (callbacks.SampleGrid, callbacks.TrainingCheckpoint):
        with pytest.raises(ValueError, match="every must be 'epoch' or a number of steps"):
            kind(tmp_path, every=every)


def test_checkpoints_are_kept_and_restored(tmp_path):
    gan = small_gan(ema_decay=0.9)
    fit(gan, callbacks.TrainingCheckpoint(tmp_path), epochs=3)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["step-00000008.keras", "step-00000012.keras"]
    restored = callbacks.restore(tmp_path)
    restored.inference_generator()  # `fit` has recomputed the batch statistics of `gan`'s average at its end
    assert_same_weights(restored, gan)

    every = tmp_path / "steps"
    fit(gan, callbacks.TrainingCheckpoint(every, every=3, keep=9), epochs=2)
    assert [p.name for p in sorted(every.iterdir())] == ["step-00000015.keras", "step-00000018.keras"]


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    gan = small_gan()
    fit(gan, callbacks.TrainingCheckpoint(tmp_path), epochs=2)
    newest = tmp_path / "step-00000008.keras"
    whole = newest.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:200] + b"\0" * 300 + whole[500:]):
        newest.write_bytes(damaged)
        with pytest.warns(UserWarning, match=r"Passed over the damaged checkpoint .*step-00000008"):
            restored = callbacks.restore(tmp_path)
        assert int(restored.step.numpy()) == 4
    shutil.rmtree(tmp_path)
    assert callbacks.restore(tmp_path) is None


def test_no_checkpoint_of_a_diverged_state(tmp_path):
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
    fit(gan, callbacks.TrainingCheckpoint(tmp_path))
    assert not list(tmp_path.glob("*.keras"))


def test_history_table_goes_on_from_a_resumed_epoch(tmp_path):
    gan = small_gan()
    path = tmp_path / "history.csv"
    first = fit(gan, callbacks.HistoryTable(path), epochs=3).history
    table = callbacks.read_history(path)
    assert table["epoch"] == [1, 2, 3]
    assert table["step"] == [4, 8, 12]
    np.testing.assert_allclose(table["d_loss"], first["d_loss"])
    fit(gan, callbacks.HistoryTable(path), epochs=4, initial_epoch=1)
    again = callbacks.read_history(path)
    assert again["epoch"] == [1, 2, 3, 4]
    assert again["step"] == [4, 16, 20, 24]
    assert callbacks.read_history(tmp_path / "none.csv") == {}


# -- Keras's own -------------------------------------------------------------------------------------------------------


def test_model_checkpoint_and_csv_logger(tmp_path):
    gan = small_gan()
    fit(
        gan,
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="g_loss", mode="min", save_best_only=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "last.keras"),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    )
    assert_same_weights(keras.saving.load_model(tmp_path / "last.keras"), gan)
    assert (tmp_path / "best.keras").is_file()
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert {"d_loss", "g_loss", "jsd"} < set(rows[0])


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    fit(small_gan(), keras.callbacks.TensorBoard(tmp_path, update_freq=1, histogram_freq=1), epochs=2)
    files = [*tmp_path.rglob("events.*")]
    tags = {v.tag for f in files for e in tf.compat.v1.train.summary_iterator(str(f)) for v in e.summary.value}
    assert {"epoch_d_loss", "epoch_g_loss", "epoch_jsd"} <= tags


def test_terminate_on_nan_stops():
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
    history = fit(gan, keras.callbacks.TerminateOnNaN(), epochs=5)
    assert len(history.epoch) == 1
    assert not all(np.isfinite(values[-1]) for values in history.history.values())
    assert len(fit(small_gan(), keras.callbacks.TerminateOnNaN(), epochs=3).epoch) == 3


@pytest.mark.parametrize(("name", "other"), [("d_optimizer", "g_optimizer"), ("g_optimizer", "d_optimizer")])
def test_learning_rate_scheduler_on_either_optimizer(name, other):
    gan = small_gan()
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)
    fit(gan, callbacks.for_optimizer(name, schedule), epochs=3)
    assert float(getattr(gan, name).learning_rate) == pytest.approx(2e-4 / 8)
    assert float(getattr(gan, other).learning_rate) == pytest.approx(2e-4)
    plateau = keras.callbacks.ReduceLROnPlateau("g_loss", factor=0.1, patience=0, mode="min", min_delta=1e9)
    fit(gan, callbacks.for_optimizer(name, plateau), epochs=3)
    assert float(getattr(gan, name).learning_rate) < 2e-4 / 8
    with pytest.raises(ValueError, match="d_optimizer and g_optimizer"):
        callbacks.for_optimizer("optimizer", schedule)


def test_a_lost_optimizer_state_would_be_noticed():
    """The guard itself: pytest turns Keras's warning that a state was not loaded into an error."""
    with warnings.catch_warnings(), pytest.raises(UserWarning, match="Skipping variable loading"):
        warnings.filterwarnings("error", message="Skipping variable loading")
        keras.optimizers.Adam().load_own_variables({str(i): 0 for i in range(6)})
