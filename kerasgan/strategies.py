"""More than one device: TensorFlow's distribution strategies by the names that `--strategy` takes."""

import contextlib
import json
import os
import pathlib
import tempfile
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

NAMES = ("none", "mirrored", "multi_worker")


def get(name: str) -> tf.distribute.Strategy:
    """The strategy of that name; make the GAN in its `scope()`.

    Args:
        name: "none"; "mirrored", all GPUs of this machine, or all logical CPU devices where there is no GPU; or
            "multi_worker", one process on each of several machines, which `TF_CONFIG` in their environment lists. The
            latter must be asked for before TensorFlow has computed anything.

    Raises:
        ValueError: another name, or a `TF_CONFIG` that is missing or that names no cluster and task.
    """
    if name not in NAMES:
        raise ValueError(f"strategy must be one of {', '.join(NAMES)}; found {name!r}.")
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    try:
        cluster = json.loads(os.environ["TF_CONFIG"])
        kind, index = cluster["task"]["type"], cluster["task"]["index"]
        if index < 0:
            raise IndexError(f"the task's index is {index}")
        cluster["cluster"][kind][index]
    except KeyError as error:
        raise ValueError(
            f"strategy multi_worker needs TF_CONFIG in the environment, with cluster and task; it lacks {error}."
        ) from None
    except (ValueError, TypeError, IndexError) as error:
        raise ValueError(f"TF_CONFIG must be JSON with a cluster and this process's task: {error}.") from None
    return tf.distribute.MultiWorkerMirroredStrategy()


def has_workers(strategy: tf.distribute.Strategy) -> bool:
    """Whether there are other processes than this one."""
    resolver = strategy.cluster_resolver
    cluster = {} if resolver is None else resolver.cluster_spec().as_dict()
    return sum(len(tasks) for tasks in cluster.values()) > 1


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes files: the task "chief", or where there is none the worker 0."""
    if not has_workers(strategy):
        return True
    resolver = strategy.cluster_resolver
    kind = "chief" if "chief" in resolver.cluster_spec().as_dict() else "worker"
    return (resolver.task_type, resolver.task_id) == (kind, 0)


def agreed(value: float, strategy: tf.distribute.Strategy) -> float:
    """The chief's number, on all workers; all must ask at the same time.

    What decides whether something is saved, or which checkpoint is loaded, must be the same everywhere: all workers
    take part in it, and one that does not keeps the others waiting.
    """
    if not has_workers(strategy):
        return value

    def choose() -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        first = tf.equal(context.replica_id_in_sync_group, 0)
        own = tf.where(first, tf.constant(value, tf.float64), tf.constant(0.0, tf.float64))
        return context.all_reduce(tf.distribute.ReduceOp.SUM, own)

    return float(strategy.experimental_local_results(strategy.run(choose))[0])


@contextlib.contextmanager
def writable(strategy: tf.distribute.Strategy, folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """The folder for the chief; for other workers one that vanishes.

    Every worker must take part in saving, because variables that each replica has for itself are added up over all.
    """
    if is_chief(strategy):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="kerasgan-worker-") as temporary:
        yield pathlib.Path(temporary)


def share_of_mean(per_sample: tf.Tensor) -> tf.Tensor:
    """A replica's part of the mean over the global batch, of values `[B]`: replicas' gradients are summed."""
    return tf.reduce_mean(per_sample) / tf.distribute.get_strategy().num_replicas_in_sync


def share_overflow(optimizer: keras.optimizers.Optimizer, gradients: list) -> list:
    """Gradients, made NaN where those of another replica are not finite.

    Each replica's loss scale looks at its own gradients alone: where one overflows, all must leave the step out.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1 or not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return gradients
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
    lost = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(~finite, tf.float32))
    return [tf.where(lost > 0, tf.constant(np.nan, gradient.dtype), gradient) for gradient in gradients]


def as_logs(results: dict) -> dict:
    """What a step returns to Keras, which averages logs over workers along their first axis, which a scalar lacks
    (tensorflow issue 72388).
    """
    several = has_workers(tf.distribute.get_strategy())
    return {name: tf.reshape(value, [1]) for name, value in results.items()} if several else results
