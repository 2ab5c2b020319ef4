"""What `kerasgan sample` and `kerasgan evaluate` do with --workers: on a Ray cluster."""

import json
import pathlib
from typing import Any

from absl import flags

from kerasgan.cli.options import Options, UsageError, import_tensorflow, required
from kerasgan.messages import say


def define(options: Options) -> None:
    """Which processes of which Ray cluster do the work."""
    options.whole("workers", "processes of a Ray cluster that share the work", least=1)
    options.text("ray", "where that cluster is: auto, the one on this machine; local, one for this alone; HOST:PORT")
    options.number("gpus_per_worker", "such as .25; default none, and one processor each", 0.0)


def check(values: flags.FlagValues) -> bool:
    """Whether a cluster is asked for.

    Raises:
        UsageError: only its address is, or parts of a GPU that are none.
    """
    if values.workers is None and values.ray is not None:
        raise UsageError("--ray is where --workers=N do the work; say how many.")
    if not 0.0 <= values.gpus_per_worker <= 64.0:
        raise UsageError(f"--gpus_per_worker is 0 or more; found {values.gpus_per_worker:g}.")
    return values.workers is not None


def sample(values: flags.FlagValues) -> None:
    """Files of samples, drawn by the processes of a Ray cluster."""
    required(values, "preset", "n")
    for name in ("interpolate", "server", "model", "sha256"):
        if values[name].value is not None:
            raise UsageError(f"--{name} and --workers exclude each other.")
    import_tensorflow()
    from kerasgan import cluster

    written = cluster.draw(
        values.preset,
        values.n,
        values.output,
        values.workers,
        values.ray or "auto",
        values.seed,
        values.labels,
        values.format,
        values.shard_size,
        values.gpus_per_worker,
    )
    say(f"wrote {written:,} files to {values.output}: {values.n:,} samples from seed {values.seed} on")


def evaluate(values: flags.FlagValues, gan: Any, command: str, output: pathlib.Path, misleading: str | None) -> None:
    """The Fréchet distance, computed by the processes of a Ray cluster; as JSON."""
    from kerasgan import cluster, data, presets
    from kerasgan.files import replacing

    real = data.load_array(values.dataset, values.split, gan.sample_shape)
    found = cluster.score(
        gan,
        values.preset,
        real,
        values.n,
        values.workers,
        values.ray or "auto",
        values.features,
        values.dataset,
        values.seed,
        values.gpus_per_worker,
    )
    content = {
        "model": gan.name,
        "steps": int(gan.step.numpy()),
        "dataset": data.describe(values.dataset),
        "split": values.split,
        "scores": {found.name: found.to_json()},
        "preset": values.preset,
        "command": command,
        "versions": presets.versions(),
    }
    with replacing(output) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(
        f"{found.name} {found.value:.6g} of {found.n_fake:,} samples from seed {found.seed} against "
        f"{found.n_real:,} real ones, by {found.features}"
    )
    if misleading:
        say(f"warning: {misleading}")
    say(f"wrote {output}")
