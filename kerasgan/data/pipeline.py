"""Samples in an array -> batches of a `tf.data` pipeline, in an order that follows from (seed, epoch) alone."""

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

PARALLEL = 2  # batches that are gathered at once: copying rows takes far less time than a step
AHEAD = 2  # batches that wait for the step

_IN_ORDER: weakref.WeakKeyDictionary[tf.data.Dataset, Callable[[], tf.data.Dataset]] = weakref.WeakKeyDictionary()
_PARTS: weakref.WeakKeyDictionary[tf.data.Dataset, Callable[[Any], tf.data.Dataset]] = weakref.WeakKeyDictionary()
_LABELS: weakref.WeakKeyDictionary[tf.data.Dataset, tuple[np.ndarray, tuple[str, ...]]] = weakref.WeakKeyDictionary()


def remember_order(dataset: tf.data.Dataset, make: Callable[[], tf.data.Dataset]) -> None:
    """Lets `in_order` make of a shuffled dataset another that is not."""
    _IN_ORDER[dataset] = make


def remember_parts(dataset: tf.data.Dataset, make: Callable[[Any], tf.data.Dataset]) -> None:
    """Lets `for_workers` make of a dataset what one worker reads of it."""
    _PARTS[dataset] = make


def remember_labels(dataset: tf.data.Dataset, counts: np.ndarray, names: tuple[str, ...]) -> None:
    """Lets `label_counts` and `class_names_of` tell what was labelled."""
    _LABELS[dataset] = counts, names


def label_counts(dataset: Any) -> np.ndarray | None:
    """How many samples of each class there are in a dataset that `kerasgan.data.load` gave with labels, those of an
    incomplete last batch included: int64 `[classes]`, of all classes that the model given as `like` has. None for
    anything else.
    """
    found = _LABELS.get(dataset) if isinstance(dataset, tf.data.Dataset) else None
    return found and found[0].copy()


def class_names_of(dataset: Any) -> tuple[str, ...] | None:
    """The names of the classes of such a dataset, ("0", "1", ...) where they have none; None for anything else."""
    found = _LABELS.get(dataset) if isinstance(dataset, tf.data.Dataset) else None
    return found and found[1]


def in_order(dataset: Any) -> Any:
    """What `evaluate` takes of a dataset that `kerasgan.data.load` shuffles: every sample once, in the source's order,
    so that the same evaluation gives the same numbers and leaves training as it is. Anything else is given back.
    """
    make = _IN_ORDER.get(dataset) if isinstance(dataset, tf.data.Dataset) else None
    return dataset if make is None else make()


def for_workers(dataset: tf.data.Dataset, strategy: tf.distribute.Strategy) -> Any:
    """The batches of a dataset that `kerasgan.data.load` shuffles, of which each worker reads its own rows alone.

    Plain `fit` has every worker read all samples of all batches, and drop those of the others. Here the k-th of n
    replicas gets the k-th n-th of each batch, which is the batch that one device would have, whatever n is: so all see
    the samples in the same order, no two the same one, and after another number of workers has taken over too.

    Args:
        dataset: from `load`, made on each worker with the same arguments.
        strategy: that of the model.

    Returns:
        A `tf.distribute.DistributedDataset` without an end, epoch after epoch from `start_step` on: tell `fit` the
        `steps_per_epoch`, `len(dataset)` of a dataset that begins with an epoch.

    Raises:
        ValueError: another dataset, or batches that do not divide among the replicas.
    """
    make = _PARTS.get(dataset)
    if make is None:
        raise ValueError("for_workers takes a shuffled dataset of kerasgan.data.load, as it was given.")
    return strategy.distribute_datasets_from_function(make)


def batches_of(
    samples: np.ndarray,
    labels: np.ndarray | None,
    batch_size: int,
    scale: float,
    offset: float,
    seed: int,
    shuffle: bool,
    drop_remainder: bool,
    start_step: int,
) -> tf.data.Dataset:
    """float32 `[batch_size, ...]`: samples times `scale` plus `offset`; with `labels` int32 `[N]` pairs of these and
    int32 `[batch_size]`. See `kerasgan.data.load` for the rest.

    An epoch is counted when its second batch is handed out, or its only one. So whoever looks at a batch changes
    nothing: the next pass is the same epoch again. And whoever trains on a part of each pass still gets a new one.
    """
    batches = len(samples) // batch_size if drop_remainder else -(-len(samples) // batch_size)
    start_epoch, taken = divmod(start_step, batches)
    with tf.device("CPU"):  # where tf.data runs, whatever else the machine has
        epoch = tf.Variable(start_epoch, dtype=tf.int64, trainable=False)

    def one_pass(_: tf.Tensor) -> tf.data.Dataset:
        """The rows of each batch of an epoch, and what the epoch will be when it has been handed out. Each pass begins
        with this.
        """
        number = epoch.read_value()
        rows = _rows_of(len(samples), seed, number) if shuffle else tf.range(len(samples), dtype=tf.int64)
        first = tf.where(number == start_epoch, tf.constant(taken, tf.int64), 0)
        rows = tf.data.Dataset.from_tensor_slices(rows[first * batch_size :])
        counts = tf.minimum(first + 1, batches - 1)
        after = tf.data.Dataset.range(first, batches).map(lambda batch: number + tf.cast(batch >= counts, tf.int64))
        return tf.data.Dataset.zip((rows.batch(batch_size, drop_remainder), after))

    def gather(rows: tf.Tensor, after: tf.Tensor) -> tuple[Any, tf.Tensor]:
        return _gather(samples, labels, scale, offset, rows, batch_size if drop_remainder else None), after

    def hand_out(batch: Any, after: tf.Tensor) -> Any:
        with tf.control_dependencies([epoch.assign(tf.maximum(epoch, after))]):
            return tf.nest.map_structure(tf.identity, batch)

    dataset = tf.data.Dataset.from_tensors(0).flat_map(one_pass)
    dataset = dataset.map(gather, num_parallel_calls=PARALLEL, deterministic=True)
    if not taken:  # or the first pass would be shorter than it says
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    # What is behind the prefetching runs when a batch is asked for, not before, as long as tf.data puts no other
    # prefetching behind it.
    options = untuned()
    options.experimental_optimization.inject_prefetch = False
    return dataset.prefetch(AHEAD).map(hand_out).with_options(options)


def parts_of(
    samples: np.ndarray,
    labels: np.ndarray | None,
    batch_size: int,
    scale: float,
    offset: float,
    seed: int,
    start_step: int,
    context: tf.distribute.InputContext,
) -> tf.data.Dataset:
    """What one worker reads of the batches that `batches_of` shuffles and cuts, in pieces for each of its replicas.

    Raises:
        ValueError: the batches do not divide among all replicas.
    """
    workers, replicas = context.num_input_pipelines, context.num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(f"batch_size={batch_size} must divide among {replicas} devices.")
    batches = len(samples) // batch_size
    start_epoch, taken = divmod(start_step, batches)

    def one_pass(number: tf.Tensor) -> tf.data.Dataset:
        rows = tf.reshape(_rows_of(len(samples), seed, number)[: batches * batch_size], (batches, workers, -1))
        first = tf.where(number == start_epoch, taken, 0)
        return tf.data.Dataset.from_tensor_slices(tf.reshape(rows[first:, context.input_pipeline_id], (-1,)))

    share = batch_size // replicas
    rows = tf.data.Dataset.counter(start_epoch).flat_map(one_pass).batch(share, drop_remainder=True)
    gather = functools.partial(_gather, samples, labels, scale, offset, size=share)
    return rows.map(gather, num_parallel_calls=PARALLEL, deterministic=True).prefetch(AHEAD).with_options(untuned())


def untuned() -> tf.data.Options:
    """Without tf.data's tuner: in TensorFlow 2.21 its thread often sleeps through the end of a pass, and with it `fit`,
    for up to as long as the pass took (a minute at most).
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _rows_of(count: int, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """The order of an epoch."""
    rows = tf.range(count, dtype=tf.int64)
    return tf.random.experimental.stateless_shuffle(rows, [tf.constant(seed, tf.int64), epoch], alg="philox")


def _gather(
    samples: np.ndarray, labels: np.ndarray | None, scale: float, offset: float, rows: tf.Tensor, size: int | None
) -> Any:
    """The samples of some rows, rescaled, with their labels where there are any; `size` of them where it is known."""
    batch = tf.numpy_function(lambda indices: samples[indices], [rows], tf.as_dtype(samples.dtype))
    batch = tf.cast(tf.ensure_shape(batch, (None, *samples.shape[1:])), tf.float32) * scale + offset
    batch = tf.ensure_shape(batch, (size, *samples.shape[1:]))
    return batch if labels is None else (batch, tf.ensure_shape(tf.gather(labels, rows), batch.shape[:1]))
