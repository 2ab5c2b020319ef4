"""From a run to a preset: its best model, its scores and its card."""

import contextlib
import json
import pathlib
from typing import Any

from kerasgan import registry
from kerasgan.files import Path, check_writable
from kerasgan.runs.config import command, read_config
from kerasgan.runs.unseen import choose_splits, training_of


def make_preset(
    run: Path, output: Path, licence: str | None = None, progress: bool = False, features: str | None = None
) -> pathlib.Path:
    """Makes a preset of a run: its best model, stored as float16, with its scores and its card.

    The scores are those of the weights as they are stored, on what was not trained on (see `unseen.choose_splits`);
    beside them stand those of the last epoch and of real training images.

    Args:
        run: the run's folder.
        output: the preset's folder, named as the preset is to be called.
        licence: what the card says of it.
        progress: show bars on the terminal.
        features: what it is scored by, as `kerasgan.features.get` takes it; None is what the run was scored by. Where
            they cannot be had the card says so, and has the scores that need none.

    Returns:
        `output`.

    Raises:
        ValueError: `run` holds no finished run, or features do not fit its images (see `evaluation.evaluate`).
    """
    from kerasgan import callbacks, data, evaluation, plots, presets
    from kerasgan import features as extractors

    run, output = pathlib.Path(run), check_writable(output)
    config = read_config(run)
    if not (run / "final.keras").is_file():
        raise ValueError(f"The run in {run} is not finished; go on with: kerasgan train --output={run} --resume")
    gan = presets.load(run)
    features = config.features if features is None else features
    if gan.value_range is not None:  # before anything is written
        with contextlib.suppress(extractors.NotAvailableError):
            extractors.get(features, gan.sample_shape, config.dataset)
            features = features or extractors.needs_saying(gan.sample_shape, config.dataset)
    history = callbacks.read_history(run / "history.csv")
    recipe = registry.get_preset_recipe(output.name) if output.name in registry.list_preset_recipes() else None
    epochs = len(history["epoch"]) if config.epochs is None else config.epochs
    facts = {
        "recipe": command(config),
        "dataset": data.with_version(config.dataset),
        "split": config.split,
        "validation_split": config.validation_split,
        "epochs": epochs,
        "epoch": 1 + history["step"].index(int(gan.step.numpy())),
        **json.loads((run / "time.json").read_text()),
        "licence": licence,
        "notes": recipe.notes if recipe is not None else "",
        # The recipe has its own where another length was asked for.
        "settings": config.recipe | {"epochs": epochs, "batch_size": config.batch_size},
    }
    if features is not None:
        facts["features"] = features
    presets.save(gan, output, facts, half=True)
    trained = training_of(run)
    split, training_split = choose_splits(None if trained is None else trained.split, data.splits_of(config.dataset))
    resize = data.image_shape_of(config.dataset, config.split) not in (None, gan.sample_shape)
    options: dict[str, Any] = {"features": features, "resize": resize, "progress": progress}
    options |= {"split": split, "training_split": training_split}
    scored = evaluation.evaluate(presets.load(output), config.dataset, **options)
    report = scored.to_json()
    if scored.nearest is not None:
        facts["nearest"], picture = scored.nearest
        plots.write(picture, output / "nearest.png")
    last = None
    if (run / "best.keras").is_file():
        last = evaluation.evaluate(presets.load(run / "final.keras"), config.dataset, **options).to_json()
    by = "" if features is None else f" --features={features}"
    by += " --resize" if resize else ""
    by += "" if split in ("test", "validation") else f" --split={split}"
    presets.add_metadata(
        output,
        evaluation=f"kerasgan evaluate --preset={output.name} --dataset={config.dataset}{by} --output=report.json",
        last=last and last["scores"],
        nearest=facts.get("nearest"),
        **({"class_scores": report["classes"]} if report["classes"] else {}),
        **({"left_out": report["left_out"]} if report["left_out"] else {}),
        **{key: report[key] for key in ("scores", "reference", "halves", "class_shares", "losses")},
    )
    return output
