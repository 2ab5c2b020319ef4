"""Keras's callbacks that change `model.optimizer`, on either of two."""

import keras
import pytest
from conftest import small_gan
from fits import fit

from kerasgan import callbacks


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


def test_what_such_a_callback_sets_is_set_on_the_gan():
    class StopAtEpoch2(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.5
            self.model.stop_training = epoch == 1

    gan = small_gan()
    assert len(fit(gan, callbacks.for_optimizer("g_optimizer", StopAtEpoch2()), epochs=5).epoch) == 2
    assert float(gan.g_optimizer.learning_rate) == 0.5
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(2e-4)
