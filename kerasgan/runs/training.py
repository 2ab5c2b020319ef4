"""The training itself: `fit` with what watches it and writes it down, from wherever a run has got to."""

import contextlib
import functools
import math
import pathlib
import re
import shutil
import time
import typing
import warnings
from collections.abc import Callable
from typing import Any

from kerasgan import registry
from kerasgan.errors import first_line
from kerasgan.files import Path, replacing
from kerasgan.messages import say
from kerasgan.runs.config import Config, check_resumable
from kerasgan.runs.folder import DIVERGED, check_output, check_space, only_one, prepare, write_reason

if typing.TYPE_CHECKING:
    import tensorflow as tf

    from kerasgan.gan import GAN


class DivergedError(ValueError):
    """The training is lost: see `kerasgan.callbacks.StopOnDivergence`. From its last checkpoint it would be again."""


class WorkerLostError(RuntimeError):
    """A training over several machines cannot go on, because one of them is gone."""


class _TimeIsUp(Exception):
    """`fit` is to end here, in the midst of an epoch or at its end."""


def train(
    config: Config,
    output: Path,
    resume: bool = False,
    overwrite: bool = False,
    verbose: str | int = "auto",
    checkpoint_steps: int | None = None,
    keep: int = 2,
    strategy: "tf.distribute.Strategy | None" = None,
    on_divergence: str = "stop",
    minutes: float | None = None,
    cache: bool | Path | None = None,
    then: Callable[[], object] | None = None,
) -> "GAN":
    """Trains as a config says and leaves everything in a run folder.

    Args:
        config: from `resolve`, or from `read_config` to resume.
        output: the folder. Of several workers all must see it, and the first alone writes to it.
        resume: go on from the newest checkpoint there.
        overwrite: delete a run that is there.
        verbose: as in `keras.Model.fit`. Unless it is 0 a line on stderr says first what the folder may come to.
        checkpoint_steps: write a checkpoint every so many steps, besides those at the ends of epochs.
        keep: how many of the newest checkpoints to keep; with `on_divergence="restore"` at least as many as reach back
            to before a discriminator that has won began to.
        strategy: of `kerasgan.strategies.get`; None is one device. A step still takes `config.batch_size` images, which
            the devices share.
        on_divergence: "stop" and "restore" are `kerasgan.callbacks.StopOnDivergence`'s actions; "ignore" lets a
            discriminator win, and stops at a loss that is no finite number all the same.
        minutes: stop after this time, counted from the call, with a checkpoint to resume from and without
            `final.keras`, unless the training ends before. It is looked at between steps: where they are long, or an
            epoch's end has much to write and to score, it ends later by so much.
        cache: as of `kerasgan.data.load`, for the samples that are trained on; the weights are the same without.
        then: called after each checkpoint that was written, by the worker that writes to `output`.

    Returns:
        The trained GAN; its `stop_training` is true where `minutes` ended it.

    Raises:
        AlreadyThereError: the folder is not empty, and neither `resume` nor `overwrite` says what to do with it.
        BusyError: another training writes to the folder.
        DivergedError: the training is lost; the run folder holds it up to there, without `final.keras`.
        ValueError: anything else that is wrong with the request, in which case nothing was written.
        WorkerLostError: of several workers another one ended; all must be started again.
        KeyboardInterrupt: after a checkpoint was written.
    """
    began = time.monotonic()
    output = pathlib.Path(output)
    if resume and overwrite:
        raise ValueError("resume and overwrite exclude each other.")
    check_output(output, resume, overwrite)
    if resume:
        check_resumable(output)

    import keras
    import tensorflow as tf

    from kerasgan import callbacks, labels, strategies
    from kerasgan.callbacks import history_table

    if on_divergence not in ("stop", "restore", "ignore"):
        raise ValueError(f"on_divergence must be stop, restore or ignore; found {on_divergence!r}.")
    if minutes is not None and not 0 < minutes < math.inf:
        raise ValueError(f"minutes must be a number above 0; found {minutes!r}.")
    strategy = strategies.get("none") if strategy is None else strategy
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % (replicas * config.recipe["d_steps"]):
        raise ValueError(f"batch_size={config.batch_size} must divide among {replicas} devices.")

    with contextlib.ExitStack() as stack:
        is_there, is_chief = output.is_dir(), strategies.is_chief(strategy)
        if is_there and is_chief:  # before anything is read that another training may be about to replace
            stack.enter_context(only_one(output))
        with strategy.scope():
            restored = callbacks.restore(output / "checkpoints") if resume else None
            if restored is not None:
                gan = restored
            else:
                keras.utils.set_random_seed(config.recipe["seed"])
                gan = registry.create_model(config.model, **config.recipe)
                for line in _begin(gan, config):
                    if verbose and is_chief:
                        say(line)
        step = int(gan.step.numpy())
        if strategies.agreed(step, strategy) != step:
            raise ValueError(f"Workers see other checkpoints in {output}; this one has found step {step}.")
        images, classes, load = _open_data(config, gan, cache)
        if restored is None and config.begin_from is None:
            registry.get_recipe(config.model, **config.recipe).prepare(gan, images)
        an_epoch = load()
        epoch_steps = len(an_epoch)
        # Before anything draws; `fit` could not tell them from a part of an epoch.
        labels.record_shares(gan.latent, an_epoch, None)
        end = (config.epochs or 0) * epoch_steps if config.steps is None else config.steps
        if step > end:
            asked = f"steps={end}" if config.steps is not None else f"epochs={config.epochs} ({end} steps)"
            raise ValueError(f"This run has taken {step} steps; {asked} would be fewer.")
        score = None
        if config.validation_split is not None:
            by: dict[str, Any] = {"features": config.features, "every": config.score_every}
            score = callbacks.EvaluateSamples(config.dataset, config.validation_split, **by)
            score.prepare(gan)
        if on_divergence == "restore":  # a discriminator that wins is noticed so many steps later
            an_epochs = math.ceil(epoch_steps / (checkpoint_steps or epoch_steps))
            keep = max(keep, math.ceil(callbacks.StopOnDivergence.PATIENCE / epoch_steps) * an_epochs + 1)
        if is_chief:
            models = keep + 2 + (score is not None)  # final.keras, and a checkpoint before the oldest one goes
            says = check_space(output, _size(gan), models, _size_of_pictures(gan, -(-end // epoch_steps)))
            if verbose:
                say(says)

        folder = stack.enter_context(strategies.writable(strategy, output))
        if is_chief and not is_there:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(only_one(folder))
            check_output(output, resume, overwrite)  # another training may have come and gone since
        watching = _callbacks(gan, folder, output, images, score, on_divergence)
        guard, best = watching[0], [callback for callback in watching if isinstance(callback, callbacks.BestModel)]
        checkpoint = callbacks.TrainingCheckpoint(
            folder / "checkpoints", every=checkpoint_steps, keep=keep, then=then if is_chief else None
        )
        if restored is not None and step < end:  # an end that is none now; the checkpoint has the same weights
            (folder / "final.keras").unlink(missing_ok=True)
        prepare(config, folder, overwrite)
        (folder / DIVERGED).unlink(missing_ok=True)
        if step == 0:  # what a run has left that was killed before its first checkpoint
            shutil.rmtree(folder / "samples", ignore_errors=True)
            (folder / "history.csv").unlink(missing_ok=True)
        if is_chief and step < end:
            # Of an epoch that ended before it was whole the score is none that a later one would have to undercut.
            history_table.keep_epochs(folder / "history.csv", step // epoch_steps)
        report = functools.partial(_report, is_chief, replicas, folder, output, config, gan, images, classes, score)
        until = [] if minutes is None else [_time_limit(gan, began + 60.0 * minutes)]
        try:
            if replicas == 1:
                gan.steps_per_execution = _steps_per_execution(gan, epoch_steps, checkpoint_steps, end)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Training diverged")  # it becomes an error below
                _fit(gan, load, end, verbose, [*watching, checkpoint, *until], best)
        except (KeyboardInterrupt, _TimeIsUp) as reason:
            # Before the first step there is nothing new; after Ctrl-C at the end of an epoch the other callbacks may
            # not have seen it, and of several workers all would have to write: then the last checkpoint stays.
            now = int(gan.step.numpy())
            on_time = isinstance(reason, _TimeIsUp)  # to which all workers come, after all callbacks
            if now > step and (on_time or (now % epoch_steps and not strategies.has_workers(strategy))):
                checkpoint.write()
            if isinstance(reason, KeyboardInterrupt):
                raise
            _draw_curves(folder)
            report()
            gan.stop_training = True
            return gan
        except tf.errors.OpError as error:
            unreadable = re.search(r"UnreadableError: (?:\[Errno \d+\] )?(.+)", str(error))
            if unreadable is not None:  # of the cache, which can be done without
                raise ValueError(
                    f"{unreadable[1].rstrip('.')}. Go on without the cache (--resume, no --cache), which gives the "
                    "same weights; or remove it (kerasgan cache clear), and --resume makes it anew."
                ) from None
            lost = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
            if not isinstance(error, lost) or not strategies.has_workers(strategy):
                raise
            raise WorkerLostError(
                f"Another worker is gone: {first_line(error)}. Start all of them again with --resume."
            ) from None
        _draw_curves(folder)
        if guard.reason is not None:
            write_reason(folder, int(gan.step.numpy()), guard.reason)
            report()
            raise DivergedError(f"{guard.reason} What it came to is in {output}.")
        with replacing(folder / "final.keras") as temporary:
            gan.save(temporary)
        report()
        strategies.agreed(0.0, strategy)  # nobody leaves before all have written: who is alone cannot go on
    return gan


def _begin(gan, config):
    """Gives a new GAN the weights that it is to begin with, and sets layers aside; what was done, in sentences."""
    from kerasgan import presets, transfer

    if config.begin_from is not None:
        for part, done in transfer.carry_over(presets.load(config.begin_from), gan).items():
            yield f"{part} from {config.begin_from}: {done}"
    if config.freeze is not None:
        yield f"not trained: {', '.join(transfer.freeze(gan, config.freeze))}"


def _open_data(config, gan, cache):
    """The samples, where the GAN has classes their labels, and a function that gives batches from any step on."""
    from kerasgan import data

    where = config.dataset, config.split, gan.sample_shape
    if gan.class_names is None:
        images, classes, names = data.load_array(*where, cache=cache), None, None
    else:
        images, classes, names = data.load_labelled_array(*where, cache=cache)
    load = functools.partial(
        data.load,
        images,
        labels=classes,
        class_names=names,
        batch_size=config.batch_size,
        like=gan,
        seed=config.recipe["seed"],
        shuffle=True,
        called=f"{config.dataset} in split {config.split!r}",
    )
    return images, classes, load


def _callbacks(gan, folder, output, images, score, on_divergence):
    """What watches a training and writes it down, in the order in which it is to be asked; the guard comes first."""
    from kerasgan import callbacks, plots

    guard = callbacks.StopOnDivergence(
        "restore" if on_divergence == "restore" else "stop",
        output / "checkpoints",  # where every worker can read what the first wrote
        patience=None if on_divergence == "ignore" else callbacks.StopOnDivergence.PATIENCE,
    )
    others = [callbacks.WallTime(folder / "time.json"), callbacks.HistoryTable(folder / "history.csv")]
    if score is not None:
        monitor, _ = score.prepare(gan)
        others = [score, callbacks.BestModel(folder / "best.keras", monitor, output / "history.csv"), *others]
    if plots.can_draw(gan.sample_shape):
        real = images[:2500] if images.ndim == 2 else None
        others = [callbacks.SampleGrid(folder / "samples", real=real), *others]
    return [guard, *others]


def _time_limit(gan, end):
    """Ends `fit` by `_TimeIsUp` between two steps; at an epoch's last one when all others have seen its end."""
    import keras

    from kerasgan import strategies

    def look() -> None:
        if strategies.agreed(float(time.monotonic() >= end), gan.distribute_strategy):
            raise _TimeIsUp

    def on_train_batch_end(batch, logs):
        if batch + 1 != limit.params["steps"]:
            look()

    limit = keras.callbacks.LambdaCallback(
        on_train_batch_end=on_train_batch_end, on_epoch_end=lambda epoch, logs: look()
    )
    return limit


def _size(gan):
    """About the bytes of a `.keras` file: every number of the networks, the average and both optimizers."""
    variables = [*gan.variables, *gan.d_optimizer.variables, *gan.g_optimizer.variables]
    numbers = sum(math.prod(variable.shape) * 4 for variable in variables)
    return numbers + 2000 * len(variables)  # what HDF5 and the zip archive need for each


def _size_of_pictures(gan, epochs):
    """At most: a grid for each epoch, uncompressed, and once more in the GIF."""
    from kerasgan import plots

    if not plots.can_draw(gan.sample_shape):
        return 0
    one, a_plot = math.prod(gan.sample_shape), 20_000
    if len(gan.sample_shape) != 3:
        a_grid = a_plot
    elif gan.class_names is None:
        a_grid = 64 * one
    else:  # rows of 8 with names beside them
        a_grid = 8 * one * min(len(gan.class_names), plots.MOST_CLASSES) + a_plot
    return (epochs + 1) * 2 * a_grid + 200_000


def _steps_per_execution(gan, epoch_steps, checkpoint_steps, end):
    """How many steps to take at once: networks without convolutions take so few milliseconds for one that Keras's loop
    around it counts (`benchmarks/train_step.py`). At most 10 and a tenth of an epoch, and such that epochs, checkpoints
    and the training end where they should.
    """
    if any(hasattr(layer, "kernel_size") for layer in gan._flatten_layers()):
        return 1
    ends = (epoch_steps, checkpoint_steps or 0, int(gan.step.numpy()), end)
    most = min(10, max(1, epoch_steps // 10))
    return max(k for k in range(1, most + 1) if all(end % k == 0 for end in ends))


def _fit(gan, load, end, verbose, callbacks, of_whole_epochs):
    """Fits from the step that a GAN is at to step `end`; an epoch that ends there before it is whole is shown to all
    callbacks but those `of_whole_epochs`.
    """
    import tensorflow as tf

    from kerasgan import data, strategies

    strategy = gan.distribute_strategy
    epoch_steps = len(load())
    whole_epochs = end // epoch_steps
    while (step := int(gan.step.numpy())) < end and not gan.stop_training:
        epoch, taken = divmod(step, epoch_steps)
        batches, last_epoch, steps = load(start_step=step), whole_epochs, epoch_steps
        if (
            taken or epoch == whole_epochs
        ):  # an epoch that was cut or will be; `fit` takes all to be as long as the first
            steps = min(epoch_steps, end - epoch * epoch_steps) - taken
            last_epoch = epoch + 1
        if taken:
            gan.continue_epoch()
        shown = [each for each in callbacks if epoch < whole_epochs or each not in of_whole_epochs]
        options: dict[str, Any] = {}
        if strategies.has_workers(strategy):
            batches, options = data.for_workers(batches, strategy), {"steps_per_epoch": steps}
        elif steps < epoch_steps:
            batches = batches.take(steps).apply(tf.data.experimental.assert_cardinality(steps))
        gan.fit(batches, epochs=last_epoch, initial_epoch=epoch, verbose=verbose, callbacks=shown, **options)


def _report(is_chief, replicas, folder, output, config, gan, images, classes, score):
    """The page of a training that has ended. The networks are asked where one device has them alone: of several all
    would have to take part.
    """
    if not is_chief:
        return
    from kerasgan.runs.report import write_after

    asked = gan if replicas == 1 else None
    unseen = None if score is None or gan.class_names is not None else score.real
    write_after(folder, output, config, asked, images, classes, unseen)


def _draw_curves(folder):
    from kerasgan import callbacks, plots

    history = callbacks.read_history(folder / "history.csv")
    if history:
        plots.curves(history, folder / "curves.png", x=history["epoch"])
