"""How far a training has come, as its logs say it and as it must be saved so that it goes on bit for bit.

Weights, optimizers and the step counter Keras saves by itself. What it forgets is kept here: the means that the epoch
has logged so far, and the state of dropout's masks.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kerasgan.augment import Augmentation
from kerasgan.penalties import Penalty

if TYPE_CHECKING:
    from kerasgan.gan import GAN


class RunningMeans:
    """Running means of what is logged. A plain object: Keras locks its own metric tracking after the first compile.

    Args:
        names: of the values.
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._means = {name: keras.metrics.Mean(name=name) for name in names}

    def update(self, **values: Any) -> None:
        """Takes values `[B]` by name into their means."""
        for name, value in values.items():
            self._means[name].update_state(tf.cast(value, tf.float32))

    def update_where(self, **values: tuple[Any, Any]) -> None:
        """Takes pairs of values `[B]` and a weight, 1 or 0, into the means of the weighted ones."""
        for name, (value, weight) in values.items():
            weights = weight * tf.ones_like(value)  # of one weight for all Keras counts a batch as one value
            self._means[name].update_state(tf.cast(value, tf.float32), sample_weight=weights)

    def results(self) -> dict:
        """The means so far, float32 scalars; 0 of nothing."""
        return {name: mean.result() for name, mean in self._means.items()}

    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._means.values())

    def count(self) -> keras.Variable:
        """How many samples they are of, on this device."""
        return self._means["d_loss"].count

    def states(self) -> dict[str, np.ndarray]:
        """`{name: float32 [sum, count]}`."""
        return {name: np.array([mean.total.numpy(), mean.count.numpy()]) for name, mean in self._means.items()}

    def restore(self, states: dict[str, np.ndarray]) -> None:
        """Goes on with `states`; a mean that is not among them, of a penalty that is new, begins now."""
        for name, mean in self._means.items():
            total, count = states.get(name, (0.0, 0.0))
            mean.total.assign(total)
            mean.count.assign(count)


class Progress:
    """The means that `fit` logs and those that `evaluate` gives, kept apart; and what is saved of a training besides.

    Args:
        networks: whose dropout masks have a state.
    """

    def __init__(self, *networks: keras.Model) -> None:
        self._networks = networks
        self._saved: dict[str, np.ndarray] = {}
        self._saved_state: dict[str, np.ndarray] = {}
        self.state: dict[str, keras.Variable] = {}
        self._of_cut_epoch: dict[str, np.ndarray] | None = None
        self._evaluating = False
        self.looked_at = False  # whether the first batch of a training has been: see `checks.Attendant`
        self.trained: list[int] | None = None  # what `fit` was last traced for: see `checks.guarded`
        self.begin(())

    def begin(
        self,
        names: tuple[str, ...],
        penalties: Sequence[Penalty] = (),
        augmentation: Augmentation | None = None,
    ) -> None:
        """Fresh means of these values, and of what training alone logs: penalties, and what augmentation says."""
        augmented = {} if augmentation is None else augmentation.logged()
        self.training = RunningMeans((*names, *(penalty.name for penalty in penalties), *augmented))
        self.evaluation = RunningMeans(names)
        self.state = {} if augmentation is None else augmentation.variables()
        self._restore_state()
        # The share of real samples with a negative number: see `checks.Attendant`. Never reset.
        self.negative = keras.metrics.Mean(name="negative")

    @property
    def current(self) -> RunningMeans:
        """The means of what is running now."""
        return self.evaluation if self._evaluating else self.training

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[None]:
        """Lets Keras see the means of evaluation, also where it evaluates in the midst of an epoch of training."""
        before, self._evaluating = self._evaluating, True
        try:
            yield
        finally:
            self._evaluating = before

    def watch_range(self, real: tf.Tensor, value_range: tuple[float, float] | None) -> None:
        """Notes whether real samples `[B, ...]` go below 0 where they should."""
        if value_range is not None and value_range[0] < 0:
            self.negative.update_state(tf.cast(tf.reduce_any(real < 0, axis=tuple(range(1, 4))), tf.float32))

    def samples_logged(self, strategy: tf.distribute.Strategy) -> float:
        """See the function of that name."""
        # Each device counts its own. Asking other workers for theirs would cost more than a small step does.
        counts = strategy.experimental_local_results(self.training.count().value)
        return sum(float(count) for count in counts) * strategy.num_replicas_in_sync / len(counts)

    def continue_epoch(self) -> None:
        """See the function of that name."""
        self._of_cut_epoch = self._saved or None

    def restore_means(self) -> None:
        """Goes on with the saved means, once, where `continue_epoch` has asked for it."""
        if self._of_cut_epoch is not None and not self._evaluating:
            self.training.restore(self._of_cut_epoch)
            self._of_cut_epoch = None

    def save(self, store: Any) -> None:
        """Adds to what Keras saves of a GAN's own variables."""
        for i, generator in enumerate(self._random_states()):
            store[f"random_state_{i}"] = generator.state.numpy()
        for name, state in self.training.states().items():
            store[f"running_{name}"] = state
        for name, variable in self.state.items():
            store[f"state_{name}"] = variable.numpy()

    def load(self, store: Any) -> dict[str, np.ndarray]:
        """Takes back what `save` has added, and gives the rest, which is Keras's.

        Raises:
            ValueError: the networks have other dropout layers than those that were saved.
        """
        content = {key: np.asarray(store[key]) for key in store.keys()}  # noqa: SIM118 (a store, not a dict)
        states = {key: content.pop(key) for key in list(content) if key.startswith("random_state_")}
        running = {key: content.pop(key) for key in list(content) if key.startswith("running_")}
        kept = {key: content.pop(key) for key in list(content) if key.startswith("state_")}
        generators = self._random_states()
        if len(states) != len(generators):
            raise ValueError(
                f"These weights are of a GAN with {len(states)} random layers such as dropout; this one has "
                f"{len(generators)}. Load them into a GAN of the same networks."
            )
        self._saved = {key.removeprefix("running_"): state for key, state in running.items()}
        self._saved_state = {key.removeprefix("state_"): state for key, state in kept.items()}
        self._restore_state()
        for i, generator in enumerate(generators):
            generator.state.assign(states[f"random_state_{i}"])
        return content

    def _restore_state(self):
        # What is loaded before `compile` has made the variables waits for them.
        for name in [name for name in self._saved_state if name in self.state]:
            self.state[name].assign(self._saved_state.pop(name))

    def _random_states(self):
        layers = [layer for network in self._networks for layer in network._flatten_layers()]
        return [generator for layer in layers for generator in getattr(layer, "_seed_generators", [])]


# -- methods of a GAN -------------------------------------------------------------------------------------------------


def continue_epoch(gan: "GAN") -> None:
    """Lets the next `fit` of a GAN that was saved in the midst of an epoch log means over the whole of that epoch.

    Keras begins every epoch with fresh means; the first that it begins after this call goes on with the saved ones.
    """
    gan.progress.continue_epoch()


def running_means(gan: "GAN") -> dict[str, float]:
    """What `fit` would log now: means since the epoch began; 0 before its first step."""
    return {name: float(mean) for name, mean in gan.progress.training.results().items()}


def samples_logged(gan: "GAN") -> float:
    """How many samples those means are of, where workers have equal shares."""
    return gan.progress.samples_logged(gan.distribute_strategy)
