"""When checkpoints are written, and when not."""

import math
import warnings

import keras
import numpy as np
import pytest
from conftest import assert_same_weights, small_gan
from fits import fit

from kerasgan import callbacks, checkpoints


def test_checkpoints_are_kept_and_restored(tmp_path, monkeypatch):
    gan = small_gan(ema_decay=0.9)
    fit(gan, callbacks.TrainingCheckpoint(tmp_path, every="epoch"), epochs=3)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["step-00000008.keras", "step-00000012.keras"]
    assert_same_weights(callbacks.restore(tmp_path), gan)

    monkeypatch.setattr(callbacks.TrainingCheckpoint, "SHARE", math.inf)
    every = tmp_path / "steps"
    fit(gan, callbacks.TrainingCheckpoint(every, every=3, keep=9), epochs=2)
    assert [p.name for p in sorted(every.iterdir())] == [
        f"step-000000{step}.keras"
        for step in (15, 16, 19, 20)  # the epochs end at 16 and 20
    ]


def steps_in(folder):
    return sorted(int(path.stem.removeprefix("step-")) for path in folder.glob("*.keras"))


@pytest.mark.parametrize(
    ("every", "epoch", "expected"),
    [
        (None, 10.0, [4, 12, 20, 24]),  # writing takes a second: every 20 of them, the first epoch, the end
        (None, 25.0, [4, 8, 12, 16, 20, 24]),
        ("epoch", 10.0, [4, 8, 12, 16, 20, 24]),
        (3, 10.0, [3, 4, 7, 10, 13, 16, 19, 22, 24]),  # never after the last step of an epoch, but at its end
    ],
)
def test_writing_takes_a_twentieth_of_the_time(tmp_path, monkeypatch, every, epoch, expected):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    write = checkpoints.write

    def slow(gan, folder):
        now[0] += 1.0
        return write(gan, folder)

    monkeypatch.setattr(checkpoints, "write", slow)
    clock = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: now.__setitem__(0, now[0] + epoch))
    fit(small_gan(), clock, callbacks.TrainingCheckpoint(tmp_path, every, keep=99), epochs=6)
    assert steps_in(tmp_path) == expected


def test_the_end_of_training_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks.TrainingCheckpoint, "SHARE", 1e-9)
    gan = small_gan(ema_decay=0.9)
    fit(gan, callbacks.TrainingCheckpoint(tmp_path, keep=5), epochs=4)
    assert steps_in(tmp_path) == [4, 16]
    assert_same_weights(callbacks.restore(tmp_path), gan)


def test_no_checkpoint_of_a_diverged_state(tmp_path):
    gan = small_gan()
    gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
    with pytest.warns(UserWarning, match="No checkpoint was written at step 4, nor will be while numbers are NaN or"):
        fit(gan, callbacks.TrainingCheckpoint(tmp_path))
    assert not list(tmp_path.glob("*.keras"))


def test_a_checkpoint_that_is_declined_says_so_once_per_stretch(tmp_path):
    """A weight is NaN at the ends of epochs 2, 3 and 5 of 6: two stretches."""
    gan = small_gan()
    weight = gan.generator.trainable_variables[-1]
    good = weight.numpy()

    def poison(epoch, logs=None):
        weight.assign(np.full_like(good, np.nan) if epoch in (1, 2, 4) else good)

    checkpoint = callbacks.TrainingCheckpoint(tmp_path, every="epoch", keep=9)
    checkpoint.set_model(gan)
    checkpoint.on_train_begin()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for epoch in range(6):
            gan.step.assign(4 * (epoch + 1))
            poison(epoch)
            checkpoint.on_epoch_end(epoch)
    said = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert said == [
        f"No checkpoint was written at step {step}, nor will be while numbers are NaN or infinite in generator: "
        f"{weight.path}."
        for step in (8, 20)
    ]
    assert steps_in(tmp_path) == [4, 16, 24]


def test_an_optimizer_can_be_what_holds_nan(tmp_path):
    gan = small_gan()
    fit(gan)
    momentum = gan.d_optimizer.variables[2]
    momentum.assign(np.full(momentum.shape, np.inf))
    checkpoint = callbacks.TrainingCheckpoint(tmp_path)
    checkpoint.set_model(gan)
    with pytest.warns(UserWarning, match=f"infinite in d_optimizer: {momentum.path}"):
        checkpoint.write()
    assert not tmp_path.exists() or not steps_in(tmp_path)


def test_checkpoints_of_two_trainings_never_meet(tmp_path):
    first = small_gan()
    fit(first, callbacks.TrainingCheckpoint(tmp_path, every="epoch"), epochs=3)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for callback in (callbacks.TrainingCheckpoint(tmp_path), callbacks.StopOnDivergence("restore", tmp_path)):
        second = small_gan(seed=1)
        with pytest.raises(ValueError, match=r"holds step-00000012.keras of another training, and this one begins at "):
            fit(second, callback)
        assert int(second.step) == 0
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    fit(callbacks.restore(tmp_path), callbacks.TrainingCheckpoint(tmp_path), epochs=1)  # a resumed one goes on
    assert steps_in(tmp_path) == [12, 16]


def test_going_on_from_an_older_checkpoint_replaces_newer_ones(tmp_path):
    gan = small_gan()
    fit(gan, callbacks.TrainingCheckpoint(tmp_path, every="epoch", keep=5), epochs=5)
    older = callbacks.restore(tmp_path, newest=8)
    fit(older, callbacks.TrainingCheckpoint(tmp_path, every="epoch", keep=5), epochs=1)
    assert steps_in(tmp_path) == [4, 8, 12]
    assert_same_weights(callbacks.restore(tmp_path), older)
