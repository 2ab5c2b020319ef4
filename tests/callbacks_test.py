"""Our callbacks, and Keras's own on a model with two optimizers."""

import csv
import json
import shutil
import types
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
    assert_same_weights(callbacks.restore(tmp_path), gan)

    every = tmp_path / "steps"
    fit(gan, callbacks.TrainingCheckpoint(every, every=3, keep=9), epochs=2)
    assert [p.name for p in sorted(every.iterdir())] == [
        f"step-000000{step}.keras"
        for step in (15, 16, 19, 20)  # the epochs end at 16 and 20
    ]


def test_time_is_added_up_and_written_within_long_epochs(tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 30))  # each look at it is 30 seconds later
    monkeypatch.setattr(callbacks, "time", types.SimpleNamespace(monotonic=lambda: float(next(clock))))
    path, seen = tmp_path / "time.json", []

    def seconds(*_args, **_kwargs):
        seen.append(json.loads(path.read_text())["seconds"] if path.is_file() else None)

    watch = keras.callbacks.LambdaCallback(on_train_batch_end=seconds, on_epoch_end=seconds)
    for _ in range(2):
        small_gan().fit(small_images(32), batch_size=8, verbose=0, callbacks=[callbacks.WallTime(path), watch])
    # Looked at when training begins, once a batch, and again whenever it writes.
    assert seen == [None, 90, 90, 180, 210, 210, 300, 300, 390, 420]


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    gan = small_gan()
    fit(gan, callbacks.TrainingCheckpoint(tmp_path), epochs=2)
    newest = tmp_path / "step-00000008.keras"
    whole = newest.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:200] + b"\0" * 300 + whole[500:]):
        newest.write_bytes(damaged)
        with pytest.warns(
            UserWarning, match=r"Passed over the checkpoint .*step-00000008.keras, which cannot be loaded: "
        ):
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


def test_a_loss_that_is_no_number_stops_with_advice():
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
    guard = callbacks.StopOnDivergence()
    with pytest.warns(UserWarning, match=r"Training diverged at step \d+: .*_loss is (nan|inf|-inf)"):
        assert len(fit(gan, guard, epochs=5).epoch) == 1
    assert "What may help" in guard.reason
    guard = callbacks.StopOnDivergence()
    fit(small_gan(), guard, epochs=3)
    assert guard.reason is None


def logs_of(d_real, d_fake):
    """What `fit` logs at the end of each step: means since the epoch began."""
    for step in range(1, len(d_real) + 1):
        yield {"d_loss": 1.0, "g_loss": 1.0, "d_real": np.mean(d_real[:step]), "d_fake": np.mean(d_fake[:step])}


@pytest.mark.parametrize(
    ("d_real", "d_fake", "stops_at"),
    [
        ([0.5] * 3 + [0.999] * 9, [0.001] * 12, 7),  # sure of real samples from step 4 on, for 4 steps
        ([0.999] * 12, [0.5] * 3 + [0.001] * 9, 7),
        ([0.999, 0.999, 0.999, 0.5] * 3, [0.001] * 12, None),  # never 4 times in a row
        ([0.999] * 12, [0.02] * 12, None),
    ],
)
def test_a_discriminator_that_has_won(d_real, d_fake, stops_at):
    gan = types.SimpleNamespace(
        step=tf.Variable(0),
        stop_training=False,
        running_means=lambda: {"d_real": 0.0, "d_fake": 0.0},
        samples_logged=lambda: 10.0 * int(gan.step),
        distribute_strategy=tf.distribute.get_strategy(),
    )
    guard = callbacks.StopOnDivergence(patience=4)
    guard.set_model(gan)
    guard.on_train_begin()
    guard.on_epoch_begin(0)
    with warnings.catch_warnings(record=True) as said:
        for batch, logs in enumerate(logs_of(d_real, d_fake)):
            gan.step.assign_add(1)
            guard.on_train_batch_end(batch, logs)
            if gan.stop_training:
                break
    assert (int(gan.step) if gan.stop_training else None) == stops_at
    assert len(said) == (stops_at is not None)
    if stops_at:
        assert (
            "at step 7: for 4 steps D gave real samples more than 0.99 and generated ones less than 0.01"
            in guard.reason
        )


def test_a_lost_training_is_set_back_but_not_for_ever(tmp_path):
    """A weight that turns NaN in every epoch's third step: the checkpoint is restored twice, then training stops."""

    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                restored.append(np.isfinite(self.model.generator.get_weights()[0]).all())
                self.model.generator.weights[0].assign(np.full((4, 16), np.nan))

    restored = []
    gan = small_gan(ema_decay=0.9)
    checkpoint = callbacks.TrainingCheckpoint(tmp_path)
    fit(gan, checkpoint, epochs=1)
    good = callbacks.restore(tmp_path)
    guard = callbacks.StopOnDivergence("restore", tmp_path, most_restores=2)
    with pytest.warns(UserWarning, match="d_loss is nan") as said:
        history = gan.fit(small_images(24), batch_size=8, epochs=9, verbose=0, callbacks=[Poison(), guard])
    assert [str(warning.message)[:60] for warning in said] == [
        "At step 7 d_loss is nan and g_loss is nan; set back to the c",
        "At step 10 d_loss is nan and g_loss is nan; set back to the c"[:60],
        "Training diverged at step 13: d_loss is nan and g_loss is na",
    ]
    assert len(history.epoch) == 3
    assert restored == [True, True, True]
    assert int(good.step) == 4


def test_set_back_is_the_checkpoint_but_for_the_step(tmp_path):
    gan = small_gan(ema_decay=0.9)
    fit(gan, callbacks.TrainingCheckpoint(tmp_path), epochs=1)
    good = callbacks.restore(tmp_path)
    fit(gan)
    callbacks._set_back(gan, good)
    assert int(gan.step) == 12
    good.step.assign(12)
    assert_same_weights(gan, good)


def test_there_is_no_set_back_before_the_first_checkpoint(tmp_path):
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
    guard = callbacks.StopOnDivergence("restore", tmp_path)
    with pytest.warns(UserWarning, match="Training diverged"):
        fit(gan, guard, epochs=5)
    assert guard.reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"action": "panic"}, "action must be 'stop' or 'restore'; found 'panic'"),
        ({"action": "restore"}, "needs the folder"),
        ({"patience": 0}, "patience must be a whole number, at least 1; found 0"),
        ({"margin": 0.5}, "margin must lie between 0 and .5; found 0.5"),
    ],
)
def test_what_stop_on_divergence_takes(options, message):
    with pytest.raises(ValueError, match=message):
        callbacks.StopOnDivergence(**options)


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
