"""What a GAN refuses: parts that do not fit each other, real samples that do not fit the parts, callbacks that would
silently do nothing.
"""

import contextlib
import functools
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasgan import labels, losses
from kerasgan.errors import check_whole
from kerasgan.latents import Labelled, Latent
from kerasgan.penalties import Penalty

NO_WEIGHTS = (
    "A GAN takes no sample_weight or class_weight: the game has no place for them. "
    "Repeat the samples that should count more."
)
MARK = "kerasgan: "  # how a check of ours inside the graph is told from TensorFlow's


# -- parts -------------------------------------------------------------------------------------------------------------


def check_parts(
    generator: keras.Model,
    discriminator: keras.Model,
    latent: Latent,
    value_range: Sequence[float] | None,
    seed: int,
) -> None:
    """Refuses networks, latent and settings of which no GAN can be made.

    Raises:
        ValueError: it says what does not fit.
    """
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, keras.Model) or not network.built:
            raise ValueError(f"{name} must be a built keras.Model; found {type(network).__name__}.")
        if network.losses or any(getattr(layer, "activity_regularizer", None) for layer in network._flatten_layers()):
            raise ValueError(_own_losses(name))
    if not isinstance(latent, Latent):
        raise ValueError(f"latent must be one of kerasgan.latents, found {type(latent).__name__}.")
    latent_shape = getattr(generator, "input_shape", (None, latent.dim))
    if tuple(latent_shape) != (None, latent.dim):
        raise ValueError(f"The generator takes {latent_shape}, the latent gives (None, {latent.dim}); they must agree.")
    sample_shape = output_shape(generator, latent)
    judged_shape = tuple(getattr(discriminator, "input_shape", sample_shape))
    if judged_shape != sample_shape:
        raise ValueError(
            f"The generator gives {sample_shape}, the discriminator takes {judged_shape}; they must agree."
        )
    if value_range is not None:
        if len(value_range) != 2 or not value_range[0] < value_range[1]:
            raise ValueError(f"value_range must be (low, high) with low < high, or None; found {value_range}.")
        if len(sample_shape) != 4:
            raise ValueError(
                f"Images have shape (B, H, W, C); the generator gives {sample_shape}. "
                "Pass value_range=None for samples that are not images."
            )
        if value_range[0] < 0 and _ends_in_sigmoid(generator):
            warnings.warn(
                f"The generator ends in a sigmoid, which gives 0 to 1, and value_range is {tuple(value_range)}. "
                "Give value_range=(0, 1), or let it end in tanh.",
                stacklevel=3,
            )
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**31:
        raise ValueError(f"seed must be a whole number from 0 to 2**31 - 1; found {seed!r}.")


def check_options(d_steps: int, options: dict) -> None:
    """Refuses what `GAN.compile` does not pass on to Keras, and no number of updates.

    Raises:
        ValueError: it names them, and what there is; or `d_steps` below 1.
    """
    check_whole("d_steps", d_steps, 1)
    unknown = sorted(set(options) - {"jit_compile", "run_eagerly", "steps_per_execution"})
    if unknown:
        raise ValueError(
            f"GAN.compile does not take {', '.join(unknown)}. It takes d_optimizer, g_optimizer, loss, d_steps, "
            "fresh_noise, penalties, augment, jit_compile, run_eagerly and steps_per_execution."
        )


def check_keras_file(path: Any, zipped: bool | None) -> None:
    """Refuses what is not the name of a `.keras` file, nor a folder where `zipped` is False.

    Raises:
        ValueError: it says what was found.
    """
    if zipped is not False and not str(path).endswith(".keras"):
        raise ValueError(f"A GAN is saved as a .keras file; found {str(path)!r}. See also save_to_preset and export.")


def output_shape(generator: keras.Model, latent: Latent) -> tuple[Any, ...]:
    """The shape of what a generator gives, with None for the batch."""
    # Functional and sequential models know it; a subclassed one is asked, and where it cannot say, tried.
    known = getattr(generator, "output_shape", None)
    if known is None:
        try:
            known = generator.compute_output_shape((None, latent.dim))
        except NotImplementedError:
            known = (None, *generator(tf.zeros((1, latent.dim)), training=False).shape[1:])
    return tuple(known)


def refuse_own_losses(name: str, network: keras.Model) -> None:
    """Refuses a network that has just been called and has added losses of its own.

    Raises:
        ValueError: it has.
    """
    if network.losses:
        raise ValueError(_own_losses(name))


def _own_losses(name: Any) -> str:
    return (
        f"The {name} has losses of its own (regularisers or add_loss), which the game does not play. "
        "Use the weight_decay of an optimizer instead, or give them to a loss of yours."
    )


def try_out(
    loss: losses.AdversarialLoss,
    penalties: Sequence[Penalty],
    discriminator: keras.Model,
    latent: Latent,
    sample_shape: tuple[int, ...],
) -> None:
    """Lets a loss that does not fit the discriminator fail here, and not in the midst of `fit`; warns of penalties that
    do not.

    Raises:
        ValueError: it reads other outputs or another latent, or gives diagnostics that it does not declare.
    """
    labels.check_discriminator(discriminator, latent, sample_shape)
    outputs = discriminator(tf.zeros((2, *sample_shape)), training=False)
    refuse_own_losses("discriminator", discriminator)
    outputs = labels.own_column(outputs, tf.constant([0, 1]) if isinstance(latent, Labelled) else None)
    z = latent.sample(2, [0, 0])
    loss.discriminator_loss(outputs, outputs, z, latent)
    loss.generator_loss(outputs, z, latent, *[outputs] * loss.reads_real)
    given, declared = (set(x) for x in (loss.diagnostics(outputs, outputs, z, latent), loss.diagnostic_names(latent)))
    if given != declared:
        raise ValueError(
            f"{type(loss).__name__}.diagnostics must give what diagnostic_names lists: {_listed(declared)}; "
            f"found {_listed(given)}."
        )
    if loss.gives_probability and "d_real" in declared and _ends_in_sigmoid(discriminator):
        warnings.warn(
            "The discriminator ends in a sigmoid, and its loss takes what it gives for logits. Leave the sigmoid out.",
            stacklevel=3,
        )

    norms = [x.name for x in discriminator._flatten_layers() if isinstance(x, keras.layers.BatchNormalization)]
    if penalties and norms:
        warnings.warn(
            f"The discriminator has batch normalisation ({norms[0]}) beside the penalty {penalties[0].name}, which is "
            "meant for each sample by itself, while the norm makes each depend on its whole batch. Leave the norm out, "
            "as WGAN-GP does.",
            stacklevel=3,
        )


def _listed(names):
    return ", ".join(sorted(names)) or "nothing"


def _ends_in_sigmoid(network: Any) -> bool:
    if isinstance(network, keras.Sequential):
        last = network.layers[-1]
    else:
        output = getattr(network, "output", None)  # a subclassed model's is not known
        output = output.get("logits") if isinstance(output, dict) else output
        last = getattr(getattr(output, "_keras_history", None), "operation", None)
    if isinstance(last, keras.Model):
        return _ends_in_sigmoid(last)
    return getattr(last, "activation", None) is keras.activations.sigmoid


# -- real samples ------------------------------------------------------------------------------------------------------


class RealSamples:
    """The samples in the batches of `fit` and `evaluate`, and their labels, checked against what the parts take.

    Args:
        shape: of one sample.
        value_range: (low, high), or None where they are not images.
        latent: says whether there are classes.
    """

    def __init__(self, shape: tuple[int, ...], value_range: tuple[float, float] | None, latent: Any) -> None:
        self.shape = shape
        self.value_range = value_range
        self.latent = latent

    def check(
        self, data: Any, loss: losses.AdversarialLoss, minibatches: int = 0
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """A batch as Keras hands it over -> its samples, float32 `[B, ...]`, and their labels, int32 `[B]`; None for an
        unconditional GAN, which leaves labels aside.

        Args:
            data: x, or a tuple (x, y).
            loss: says how many samples an update needs.
            minibatches: how many the batch will be split into, one for each update; 0 where it is only looked at.

        Raises:
            ValueError: samples or labels that do not fit, or sample weights. Of values in a graph it is the graph that
                says so, and `plain_errors` that makes a ValueError of it.
        """
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if sample_weight is not None:
            raise ValueError(NO_WEIGHTS)
        shape = ", ".join(str(n) for n in self.shape)
        rule = f"Real samples must be floats of shape (B, {shape})"
        if self.value_range is not None:
            rule += f" with values from {self.value_range[0]:g} to {self.value_range[1]:g}"
        if isinstance(x, (dict, list, tuple)):
            raise ValueError(f"{rule}; found a {type(x).__name__}. Map the dataset to its images.")
        x = tf.convert_to_tensor(x)
        if x.shape.rank is not None and not x.shape[1:].is_compatible_with(self.shape):
            raise ValueError(f"{rule}; found shape {x.shape}.")
        x = tf.ensure_shape(x, (None, *self.shape))  # where tracing has blurred the shape
        if not x.dtype.is_floating:
            raise ValueError(f"{rule}; found {x.dtype.name}. kerasgan.data.load(..., like=gan) rescales images.")
        x = tf.cast(x, tf.float32)
        low, high, slack = x.dtype.min, x.dtype.max, 0.0
        if self.value_range is not None:
            low, high = self.value_range
            slack = 1e-3 * (high - low)  # what a resize may overshoot
        # Comparisons with NaN are false, so this finds NaN too.
        fits = tf.reduce_all((x >= low - slack) & (x <= high + slack))
        least = max(1, loss.smallest_batch * minibatches)
        checks = _check_size(
            x, lambda size: size >= least, f"{type(loss).__name__} needs at least {least} samples in a batch; found"
        )
        checks += _check(fits, f"{rule}, none of them NaN; found values from", tf.reduce_min(x), "to", tf.reduce_max(x))
        y = labels.check_labels(y, self.latent)
        if y is not None:
            checks += self._check_labels(y, x)
        with tf.control_dependencies(checks):
            return tf.identity(x), None if y is None else tf.cast(tf.identity(y), tf.int32)

    def _check_labels(self, y, x):
        classes, rows = len(self.latent.class_names), tf.shape(y)[0]
        checks = _check(tf.equal(rows, tf.shape(x)[0]), "There must be a label for each sample; labels found:", rows)
        rule = f"Labels must lie from 0 to {classes - 1}; found"
        found = tf.reduce_min(y), "to", tf.reduce_max(y)
        return checks + _check(tf.reduce_all((y >= 0) & (y < classes)), rule, *found)

    def split(
        self, real: tf.Tensor, labels: tf.Tensor | None, minibatches: int
    ) -> list[tuple[tf.Tensor, tf.Tensor | None]]:
        """A fitted batch `[k*B, ...]`, and its labels `[k*B]` or None -> k minibatches of both.

        Raises:
            ValueError: it does not divide.
        """
        if minibatches == 1:
            return [(real, labels)]
        rule = f"A batch must divide into d_steps={minibatches} minibatches; its size is"
        with tf.control_dependencies(_check_size(real, lambda size: size % minibatches == 0, rule)):
            samples = tf.split(tf.identity(real), minibatches)
        of_each = [None] * minibatches if labels is None else tf.split(labels, minibatches)
        return list(zip(samples, of_each, strict=True))


def without_rest(gan: Any, x: Any, y: Any = None, batch_size: int | None = None, *_: Any, **__: Any) -> list:
    """An array of samples, and their labels, without those of a last batch that is too small for an update.

    It takes what `fit` takes.

    Args:
        gan: which is to be fitted.
        x: an array `[N, ...]`; anything else is given back.
        y: labels `[N]`, or None.
        batch_size: None is Keras's 32.

    Returns:
        x and y.
    """
    if not gan.compiled or isinstance(x, tf.data.Dataset) or not len(getattr(x, "shape", ())):
        return [x, y]
    rest = len(x) % (batch_size or 32)
    fits = rest % gan.d_steps == 0 and rest >= gan.loss.smallest_batch * gan.d_steps
    if not rest or rest == len(x) or fits:
        return [x, y]
    warnings.warn(f"The last {rest} samples are left out: they are too few for a batch of their own.", stacklevel=4)
    return [x[:-rest], None if y is None else y[:-rest]]


def _check_size(batch: Any, holds: Callable, rule: str) -> list:
    size = batch.shape[0]
    if size is None:
        return _check(holds(tf.shape(batch)[0]), rule, tf.shape(batch)[0])
    if not holds(size):
        raise ValueError(f"{rule} {size}.")
    return []


def _check(holds: Any, rule: str, *found: Any) -> list:
    """Checks now where the values are known, else by the operations returned, which the graph must run first."""
    if not tf.executing_eagerly():
        return [tf.debugging.Assert(holds, [MARK + rule, *found])]
    if not holds:
        raise ValueError(" ".join([rule, *(x if isinstance(x, str) else f"{x.numpy():g}" for x in found)]) + ".")
    return []


def guarded(method: Callable, held_out: bool = False) -> Callable:
    """A method of Keras's that takes real samples, with errors in plain words, and without weights of samples. Labels
    may be a list.

    What has been frozen or thawed since the last call is traced anew, as if the GAN had been compiled again.

    Args:
        method: such as `keras.Model.evaluate`.
        held_out: whether it evaluates: then its means are not those of training, and what `kerasgan.data.load` shuffles
            for training comes whole and in order.
    """

    @functools.wraps(method)
    def call(gan, *args, **kwargs):
        if kwargs.get("sample_weight") is not None or kwargs.get("class_weight") is not None:
            raise ValueError(NO_WEIGHTS)  # of samples without labels Keras would drop them
        trained = [id(variable) for variable in gan.trainable_variables]
        if gan.progress.trained not in (None, trained):
            gan.train_function = None
        gan.progress.trained = trained
        if held_out and "_use_cached_eval_dataset" not in kwargs:  # which is of a dataset that `fit` was given
            from kerasgan.data.pipeline import in_order  # whoever draws only needs no data

            x = args[0] if args else kwargs.pop("x", None)
            args = (in_order(x), *args[1:])
        if len(args) > 1:
            args = (args[0], labels.as_array(args[0], args[1], gan.latent), *args[2:])
        elif kwargs.get("y") is not None:
            kwargs["y"] = labels.as_array(args[0] if args else kwargs.get("x"), kwargs["y"], gan.latent)
        with plain_errors(), gan.progress.evaluating() if held_out else contextlib.nullcontext():
            return method(gan, *args, **kwargs)

    return call


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turns a failed check inside the graph into the ValueError that the same check outside would raise."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        failed = re.search(rf"assertion failed: \[{MARK}(.*?)\]((?: \[.*?\])*)", error.message)
        if failed:
            values = re.findall(r"\[(.*?)\]", failed.group(2))
            raise ValueError(" ".join([failed.group(1), *values]) + ".") from None
        misshapen = re.search(r"Shape of tensor \S+ \[(.*?)\] is not compatible with .*? \[(.*?)\]", error.message)
        if misshapen:
            raise ValueError(
                f"Real samples must have shape ({misshapen.group(2)}); found ({misshapen.group(1)})."
            ) from None
        raise


def is_lost(network: keras.Model) -> bool:
    """Whether a weight of a network is NaN or infinite."""
    total = tf.add_n([tf.reduce_sum(tf.cast(v.value, tf.float32)) for v in network.trainable_variables] or [0.0])
    return not bool(tf.math.is_finite(total))


# -- callbacks ---------------------------------------------------------------------------------------------------------


class Attendant(keras.callbacks.Callback):
    """Goes before the callbacks of every `fit`: looks at the first batch and at the weights, and does for two
    optimizers what Keras does for `model.optimizer`.

    A loss is logged as NaN where its player's weights are no numbers. TensorFlow's fused ReLU turns NaN into 0: a
    network with one goes on as if nothing were, and the loss of log 4 looks like the game's equilibrium. The weights
    are looked at every `EVERY` steps and at the end of an epoch: in each step it would slow small networks down.
    """

    EVERY = 500

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        gan = self.model
        lazy = [penalty.name for penalty in gan.penalties if penalty.every > 1]
        shared = any(getattr(layer, "synchronized", False) for layer in gan.discriminator._flatten_layers())
        if lazy and shared and gan.distribute_strategy.num_replicas_in_sync > 1:
            raise ValueError(  # devices cannot wait for each other within what only some steps compute
                f"The lazy penalty {lazy[0]} and batch normalisation that several devices share (sync_batch_norm) do "
                "not go together. Pay it in every update, with every=1, or leave sync_batch_norm out."
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._seen = 0
        self._lost: list[str] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch + 1 - self._seen >= self.EVERY or batch + 1 == self.params.get("steps"):
            self._seen = batch + 1
            players = {"d_loss": self.model.discriminator, "g_loss": self.model.generator}
            self._lost = [name for name, network in players.items() if is_lost(network)]
            _mark(logs, self._lost)
        if not self.model.progress.looked_at:
            self._look_at_range()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        _mark(logs, self._lost)  # what Keras logs here are means

    def _look_at_range(self) -> None:
        gan, progress = self.model, self.model.progress
        if gan.value_range is None or gan.value_range[0] >= 0:
            return
        progress.looked_at = True
        if float(progress.negative.result()) == 0.0:
            low, high = gan.value_range
            warnings.warn(
                f"The first batch has no value below 0, and this model's samples go from {low:g} to {high:g}: "
                "images in [0, 1] must be rescaled, as kerasgan.data.load(..., like=gan) does.",
                stacklevel=2,
            )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        for optimizer in (self.model.d_optimizer, self.model.g_optimizer):
            # Of an optimizer with `use_ema`: its average takes the weights' place, as at the end of Keras's own fit.
            optimizer = getattr(optimizer, "inner_optimizer", optimizer)
            optimizer.finalize_variable_values(optimizer._trainable_variables)


def _mark(logs, lost):
    if logs is not None:
        logs.update(dict.fromkeys(lost, math.nan))


def built_already(self: keras.Model, iterator: Any = None, data_batch: Any = None) -> None:
    """Nothing: a GAN is built when it is made. Under a strategy Keras would take a batch of training to build it."""


def attended(callbacks: Any) -> list | keras.callbacks.CallbackList:
    """The callbacks of `fit`, with an `Attendant` before them; those of Keras's that look for one loss see one.

    Raises:
        ValueError: one of them changes `model.optimizer`, which a GAN does not have.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else []
    for callback in callbacks:
        changes = isinstance(callback, (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau))
        if changes and "set_model" not in vars(callback):
            kind = type(callback).__name__
            raise ValueError(
                f"{kind} changes model.optimizer, of which a GAN has two: give "
                f"kerasgan.callbacks.for_optimizer('d_optimizer', {kind}(...)), or 'g_optimizer'."
            )
        if isinstance(callback, keras.callbacks.TerminateOnNaN) and "on_batch_end" not in vars(callback):
            _watch_both_losses(callback)
    return [Attendant(), *callbacks]


def _watch_both_losses(callback):
    # TerminateOnNaN reads `loss` alone, which a game of two does not have, and would silently do nothing.
    on_batch_end = callback.on_batch_end
    callback.on_batch_end = lambda batch, logs=None: on_batch_end(
        batch, {**logs, "loss": logs["d_loss"] + logs["g_loss"]}
    )
