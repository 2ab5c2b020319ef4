"""Keras's callbacks that change `model.optimizer`, on one of a GAN's two."""

from typing import Any

import keras


def for_optimizer(name: str, callback: keras.callbacks.Callback) -> keras.callbacks.Callback:
    """Points one of Keras's callbacks that change `model.optimizer` at one of a GAN's two.

    `for_optimizer("d_optimizer", keras.callbacks.LearningRateScheduler(schedule))`

    Args:
        name: "d_optimizer" or "g_optimizer".
        callback: such as `LearningRateScheduler` or `ReduceLROnPlateau`.

    Returns:
        The same callback.

    Raises:
        ValueError: another name.
    """
    if name not in ("d_optimizer", "g_optimizer"):
        raise ValueError(f"A GAN has d_optimizer and g_optimizer; found {name!r}.")
    set_model = callback.set_model
    callback.set_model = lambda model: set_model(_OneOptimizer(model, name))
    return callback


class _OneOptimizer:
    """A GAN as seen by a callback that expects a single optimizer: whatever else it reads or sets is the GAN's."""

    def __init__(self, model: keras.Model, name: str) -> None:
        object.__setattr__(self, "_model", model)
        object.__setattr__(self, "_name", name)

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        optimizer = getattr(self._model, self._name)
        return getattr(optimizer, "inner_optimizer", optimizer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._model, name, value)
