"""Model cards: a preset's `metadata.json` as a page for people, in Markdown."""

import json
from collections.abc import Iterator
from typing import Any

from kerasgan import registry

# Scores in the order in which cards and tables show them, and what each is.
MEASURES = {
    "fcd": "Fréchet distance on a classifier's features; lower is better",
    "fid": "Fréchet distance on Inception's features; lower is better",
    "frechet_distance": "Fréchet distance; lower is better",
    "kid": "kernel distance on the same features; lower is better",
    "precision": "share of generated images that lie among the real ones",
    "recall": "share of real images that lie among the generated ones",
    "density": "how densely real images lie around a generated one; 1 for the data",
    "coverage": "share of real images with a generated one near by",
    "classifier_score": "inception score, with the classifier; from 1 to its number of classes",
    "inception_score": "inception score",
    "reversed_classifier_score": "EBGAN's form of it, in nats",
    "reversed_inception_score": "EBGAN's form of it, in nats",
    "parzen_nats": "Parzen-window log-likelihood, in nats, as in the 2014 paper; it rewards blur",
    "nearest_training_image": "mean distance to the nearest training image; copies have 0",
    "label_accuracy": "share of samples that the classifier takes for the class asked for; real: of unseen real images",
    "code_accuracy": "the first code as a classifier of the test images, best assignment",
    "modes": "modes with a sample of high quality",
    "high_quality": "share of samples within 3 sigma of a mode",
    "kl": "divergence of the modes' shares from equal ones, in nats",
}


def write(facts: dict[str, Any], picture: bool) -> str:
    """The card of a preset.

    Args:
        facts: its metadata. `presets.save` gives name, model, sample_shape, latent_dim, parameters, ema_decay (a
            number, the text of a schedule, or None), steps, seed, storage, weights_sha256 and libraries. Where they are
            given it also says: recipe (the command), dataset, split, validation_split, epochs, epoch (the chosen one),
            seconds, cores, gpus (names), licence, notes, evaluation (the command), scores, reference and last (each
            `{name: {"value", "error", "n_real", "n_fake", "features", "seed"}}`: of these weights, of training images,
            of the last epoch's weights), halves (likewise, of one half of the real images), class_shares, losses,
            left_out (sentences), settings (every field of the recipe, which the card does not show), nearest (what
            `nearest.png` beside the card shows); for a conditional model classes
            (their names) and class_scores (as `classes` of `evaluation.Report.to_json`); and address, what
            `GAN.from_preset` is to be given: without it the name of a preset that comes with kerasgan, and a path with
            a place to fill in for others.
        picture: whether there is a `samples.png`.

    Returns:
        Markdown.
    """
    name = facts["name"]
    shape = " x ".join(map(str, facts["sample_shape"]))
    decay = facts["ema_decay"]
    said = decay if isinstance(decay, str) else f"{decay or 0:g}"
    average = "" if decay is None else f", and the generator's average (decay {said})"
    lines = [f"# {name}", ""]
    classes = facts.get("classes")
    if picture:
        shown = "A row of samples for each class, of the seeds 0 to 7" if classes else "Samples of the seeds 0 to 63"
        lines += [f"![{shown}](samples.png)", ""]
    lines += [
        f"`{facts['model']}`, which draws samples of {shape} from {facts['latent_dim']} numbers: generator and "
        f"discriminator{average}. Optimizer state is not stored.",
        "",
        "```python",
        "import kerasgan",
        "",
        _loading(name, facts.get("address")),
        f"samples = gan.generate(16, seed=0)  # float32 {(16, *facts['sample_shape'])}",
        *([f"samples = gan.generate(16, labels={_quoted(classes[-1])})  # of one class"] if classes else []),
        "```",
        "",
        *([f"Its {len(classes)} classes: {', '.join(classes)}.", ""] if classes else []),
        *_scores(facts),
        *_nearest(facts),
        "## How it was made",
        "",
        "| | |",
        "|---|---|",
        *(f"| {what} | {value} |" for what, value in _making(facts)),
        "",
    ]
    if facts.get("notes"):
        lines += ["## What was tried", "", facts["notes"].strip(), ""]
    return "\n".join(lines)


def _loading(name: str, address: str | None) -> str:
    """The line that loads it: by its name where it is one of those that come with kerasgan, and else by a path."""
    if address is None:
        address = name if name in registry.list_preset_recipes() else f"path/to/{name}"
    other = "or " if address == name else ""
    return f'gan = kerasgan.GAN.from_preset("{address}")  # {other}the path of this folder'


def _scores(facts: dict[str, Any]) -> list[str]:
    scores = facts.get("scores")
    if not scores:
        return ["No scores have been measured.", ""]
    others = {"last": "last epoch", "reference": "real training images"}
    columns = [key for key in others if facts.get(key)]
    lines = [
        f"| | this preset |{''.join(f' {others[key]} |' for key in columns)} real / generated | features | seed |",
        "|---|---|" + "---|" * (len(columns) + 3),
    ]
    for name in sorted(scores, key=_rank):
        score = scores[name]
        cells = [number(score), *(number(facts[key].get(name)) for key in columns)]
        counts = f"{score['n_real']:,} / {score['n_fake']:,}"
        seed = "" if score["seed"] is None else score["seed"]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {counts} | {score['features']} | {seed} |")
    if facts.get("halves"):
        lines += ["", f"R{of_halves(facts['halves'])[1:]}."]
    lines += ["", f"Measured by `{facts['evaluation']}` on the weights as they are stored.", ""]
    lines += [f"* `{name}`: {MEASURES[name]}" for name in sorted(scores, key=_rank) if name in MEASURES] + [""]
    if facts.get("class_scores"):
        heads, *rows = class_rows(facts["class_scores"])
        lines += ["Class by class, of samples that were asked for with `labels=`:", ""]
        lines += [
            f"| {' | '.join(heads)} |",
            "|" + "---|" * len(heads),
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
        ]
    lines += [f"{sentence}\n" for sentence in facts.get("left_out") or ()]
    if facts.get("class_shares"):
        lines += [f"What the classifier takes the generated images for: {shares(facts['class_shares'])}.", ""]
    if facts.get("losses"):
        losses = ", ".join(f"`{name}` {value:.4g}" for name, value in facts["losses"].items())
        lines += [f"What `GAN.evaluate` gives on the real images: {losses}.", ""]
    return lines


def _nearest(facts: dict[str, Any]) -> list[str]:
    if not facts.get("nearest"):
        return []
    says = "Whether it copies what it was trained on everybody can see here."
    return [
        "## Nearest training images",
        "",
        f"![{facts['nearest']}](nearest.png)",
        "",
        f"{facts['nearest']}. {says}",
        "",
    ]


def of_halves(halves: dict[str, dict[str, Any]]) -> str:
    """What the scores would be where there is nothing to tell apart: of real images among themselves."""
    found = ", ".join(f"{name} {number(score)}" for name, score in halves.items())
    counts = next(f"{score['n_real']:,}/{score['n_fake']:,}" for score in halves.values())
    return f"real images, one half against the other ({counts}): {found}"


def class_rows(classes: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """The scores of each class of a conditional model as rows of a table, the first of them the headings.

    Args:
        classes: as in `evaluation.Report.to_json`.
    """
    found = {key for of_class in classes.values() for key in of_class} - {"share_asked", "reference"}
    columns = [("accuracy", "real images")] if "accuracy" in found else []
    columns += [(name, "training images") for name in sorted(found - {"accuracy"})]
    rows = [("class", "asked for", *(head for name, beside in columns for head in (name, beside, "n")))]
    for name, of_class in classes.items():
        cells = [name, f"{of_class['share_asked']:.1%}"]
        for column, _ in columns:
            score, reference = of_class.get(column), of_class.get("reference", {}).get(column)
            cells += [number(score), number(reference), "" if score is None else _count(score)]
        rows.append(tuple(cells))
    return rows


def _count(score: dict[str, Any]) -> str:
    return f"{score['n_real']}/{score['n_fake']}" if score["n_real"] else str(score["n_fake"])


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def number(score: dict[str, Any] | None) -> str:
    """A score with its standard error, to four digits."""
    if score is None:
        return ""
    error = "" if score["error"] is None else f" ± {score['error']:.2g}"
    return f"{score['value']:.4g}{error}"


def shares(class_shares: dict[str, float]) -> str:
    """The classes' shares in per cent."""
    return ", ".join(f"{name} {share:.1%}" for name, share in class_shares.items())


def _rank(name: str) -> int:
    names = list(MEASURES)
    return names.index(name) if name in names else len(names)


def _making(facts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if "recipe" in facts:
        yield "command", f"`{facts['recipe']}`"
    if "dataset" in facts:
        chosen = f"; the best epoch by `{facts['validation_split']}`" if facts.get("validation_split") else ""
        yield "data", f"{facts['dataset']}, `{facts['split']}`{chosen}"
    steps = f"{facts['steps']:,}"
    if "epoch" in facts:
        steps += f", the end of epoch {facts['epoch']} of {facts['epochs']}"
    yield "generator updates", steps
    if "seconds" in facts:
        yield "wall time of the whole training", f"{facts['seconds'] / 60:.0f} minutes on {hardware(facts)}"
    yield "seed", facts["seed"]
    parameters = facts["parameters"]
    yield "parameters", f"generator {parameters['generator']:,}, discriminator {parameters['discriminator']:,}"
    yield "weights", f"{facts['storage']}, sha256 `{facts['weights_sha256']}`"
    yield "libraries", ", ".join(f"{library} {version}" for library, version in facts["libraries"].items())
    if "licence" in facts:
        yield "licence", facts["licence"]


def hardware(facts: dict[str, Any]) -> str:
    """What a training ran on, of the "cores" and "gpus" that `kerasgan.callbacks.WallTime` writes."""
    cores = facts["cores"]
    return " and ".join([f"{cores} CPU core{'s' if cores != 1 else ''}", *facts.get("gpus", ())])
