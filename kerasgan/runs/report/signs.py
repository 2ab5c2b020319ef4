"""Signs of a training that goes wrong, or well: from a history and from what was measured to sentences for people.

Each function looks for one sign and knows no files and no networks. Its limits stand above it, with where they come
from: "measured" means on the presets of this repository (3 families on Fashion-MNIST, 55,000 pictures; r3gan on 2,987
emoji) beside trainings that were spoilt on purpose as in docs/when_it_goes_wrong.md.
"""

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kerasgan.runs.config import Config

if TYPE_CHECKING:
    from kerasgan.runs.report.measured import Measured

History = Mapping[str, Sequence[float]]

GOOD, WATCH, BAD, UNKNOWN = "good", "watch", "bad", "unknown"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What was found of one sign.

    Attributes:
        sign: its name.
        level: "good", "watch", "bad", or "unknown" where it was not measured.
        title: the finding in a few words.
        found: the figure, and the limit that it is held against.
        meaning: what that means.
        tries: what to try next: what it does, and the option or the command, or None.
    """

    sign: str
    level: str
    title: str
    found: str
    meaning: str = ""
    tries: tuple[tuple[str, str | None], ...] = ()


@dataclasses.dataclass(frozen=True)
class Past:
    """What is known of a training without its networks.

    Attributes:
        run: the folder, as commands are to name it.
        config: of the run.
        history: the columns of history.csv.
        finished: whether it has come to the end that it was asked for.
        reason: of one that was stopped as lost, why; else None.
        just_ended: whether `train` writes the report, which measures less.
    """

    run: str
    config: Config
    history: History
    finished: bool
    reason: str | None = None
    just_ended: bool = False

    @property
    def steps(self) -> int:
        """Generator updates at the end of the last whole epoch; 0 before the first."""
        steps = self.history.get("step") or [0]
        return int(steps[-1])


def find(past: Past, measured: "Measured | None") -> list[Finding]:
    """All signs, those that ask for something first."""
    found = [
        divergence(past),
        game(past),
        collapse(past, measured),
        overfitting(past, measured),
        copies(past, measured),
        best_epoch(past),
        length(past),
    ]
    if past.finished and any(each is not None and each.level == BAD for each in found):
        found = [
            each for each in found if each is None or (each.sign, each.level) != ("length", WATCH)
        ]  # no more of it
    order = (BAD, WATCH, UNKNOWN, GOOD)
    return sorted((each for each in found if each is not None), key=lambda each: order.index(each.level))


# Of 25 trainings here the largest loss of an epoch was 2.3 times the median of all epochs; a rate 1,000 times too high
# multiplies it by millions.
RUN_AWAY = 10.0


def divergence(past: Past) -> Finding | None:
    """A training that is lost: its own guard's reason, numbers that are none, losses far beyond what they were."""
    losses = {name: past.history.get(name, ()) for name in ("d_loss", "g_loss")}
    tries = (*_slower(past.config), *_with_penalty(past.config))
    if past.reason is not None:
        return Finding("divergence", BAD, "The training diverged", past.reason, LOST, tries)
    for name, values in losses.items():
        lost = [i for i, value in enumerate(values) if not math.isfinite(value)]
        if lost:
            epoch = int(past.history["epoch"][lost[0]])
            found = f"{name} is no finite number from epoch {epoch} on."
            return Finding("divergence", BAD, "The training diverged", found, LOST, tries)
    for name, values in losses.items():
        if len(values) < 3:
            continue
        usual = statistics.median(map(abs, values[:-1]))
        if abs(values[-1]) > RUN_AWAY * max(usual, 1.0):
            found = (
                f"{name} is {_n(values[-1])} in the last epoch, and was {_n(usual)} in the middle of those before; "
                f"the limit is {RUN_AWAY:g} times that."
            )
            return Finding("divergence", BAD, "A loss runs away", found, LOST, tries)
    if not any(losses.values()):
        return None
    found = "Both losses are finite in every epoch, and the last ones are near the others."
    return Finding("divergence", GOOD, "No sign of divergence", found)


LOST = "Nothing that was learnt after this point is of use, and going on from here would not bring it back."

# docs/training.md: a game has a bound from .05 to .35, and D tells every sample apart near log 2 = .693. D has won as
# `StopOnDivergence` says it. A negative bound over epochs: the swings of docs/when_it_goes_wrong.md end at -.06.
WON, AHEAD, LEVEL, BEHIND = 0.6, 0.35, 0.02, -0.02
SURE = 0.99


def game(past: Past) -> Finding | None:
    """Who is ahead, by the last fifth of the epochs. None where the loss logs no number that says so."""
    history = past.history
    name = next((name for name in ("jsd", "pair_jsd") if _last(history, name) is not None), None)
    if name is None:
        return _energies(past)
    bound = _last(history, name) or 0.0
    found = f"{name} is {_n(bound)} nats on average over the last fifth of the epochs"
    real, fake = _last(history, "d_real"), _last(history, "d_fake")
    if real is not None and fake is not None:
        found += f", with d_real {_n(real)} and d_fake {_n(fake)}"
    won = bound > WON or (real is not None and fake is not None and real > SURE and fake < 1 - SURE)
    config = past.config
    if won:
        return Finding(
            "game",
            BAD,
            "The discriminator has won",
            f"{found}; the limit is {WON:g}, and log 2 = 0.693 is a D that tells every sample apart.",
            "A D that is sure of every sample has next to no gradient for G, which stops learning.",
            (*_slower_d(config), *_softer_loss(config), *_with_penalty(config), *_with_augment(config)),
        )
    if bound > AHEAD:
        return Finding(
            "game",
            WATCH,
            "The discriminator is far ahead",
            f"{found}; a game has 0.05 to {AHEAD:g}.",
            "G still learns as long as its pictures get better. Near 0.69 it would not.",
            (*_with_penalty(config), *_slower_d(config), *_with_augment(config)),
        )
    if bound < BEHIND:
        return Finding(
            "game",
            WATCH,
            "The discriminator cannot follow",
            f"{found}; the limit is {BEHIND:g}.",
            "D is wrong more often than right: G turns into something else before D has learnt what it was.",
            (*_slower_g(config), ("more updates of D for each of G", f"--d_steps={1 + config.recipe['d_steps']}")),
        )
    if bound < LEVEL:
        return Finding(
            "game",
            WATCH,
            "The discriminator sees hardly any difference",
            f"{found}; the limit is {LEVEL:g}.",
            "Either G is as good as this D can tell, or this D is too weak to tell. The pictures decide: where they "
            "are not good, it is D.",
            (("a wider D, or more updates of it", f"--d_steps={1 + config.recipe['d_steps']}"), *_other_family(config)),
        )
    return Finding("game", GOOD, "A game: D is ahead, and G can follow", f"{found}; a game has 0.05 to {AHEAD:g}.")


# docs/training.md: at EBGAN's equilibrium the two energies are equal. Its preset ends at .97.
EASIER = 0.8


def _energies(past):
    real, fake = _last(past.history, "energy_real"), _last(past.history, "energy_fake")
    if real is None or fake is None or real <= 0:
        return None
    found = f"energy_fake is {fake / real:.2f} of energy_real over the last fifth of the epochs; the limit is {EASIER}."
    if fake < EASIER * real:
        means = "G draws something that D reconstructs more easily than pictures: often grey."
        return Finding("game", WATCH, "G draws what is easy", found, means, _slower_d(past.config))
    return Finding("game", GOOD, "D gives both sides about the same energy", found)


# Measured, 500 samples. Presets and r3gan on Fashion-MNIST and emoji: spread .86 to 1.05, .67 at least within a class,
# gap .60 to 1.23. The "Collapse" of docs/when_it_goes_wrong.md: .83 and .29, its extreme 0 and 0; vanilla_gan on 100
# pictures: .57 and .14.
ALIKE, NARROW = 0.5, 0.7
SAME, REPEATED = 0.4, 0.55


def collapse(past: Past, measured: "Measured | None") -> Finding | None:
    """Whether samples of other seeds are other samples."""
    if measured is None or measured.spread is None or measured.gap is None:
        return _unmeasured("collapse", "Whether samples are alike", measured)
    found = (
        f"{measured.n} samples (seeds from {measured.seed}) lie {_n(measured.spread)} times as far apart as training "
        f"samples on average (limit {ALIKE:g}), and each from the one most like it {_n(measured.gap)} times as far "
        f"(limit {REPEATED:g})."
    )
    classes = {name: value for name, value in measured.class_spreads.items() if value < ALIKE}
    if measured.class_spreads:
        worst = min(measured.class_spreads, key=lambda name: measured.class_spreads[name])
        found += f" Within classes the first number is {_n(measured.class_spreads[worst])} at least, of {worst}."
    tries = (
        *_slower_g(past.config),
        ("more updates of D for each of G", f"--d_steps={1 + past.config.recipe['d_steps']}"),
        *_with_average(past.config),
        *_other_family(past.config),
    )
    if measured.spread < ALIKE or measured.gap < SAME:
        early = " After so few steps that may still pass." if past.steps < FEW_STEPS else ""
        means = f"G draws few things, whatever the seed.{early}"
        return Finding("collapse", BAD, "Collapse: the samples are alike", found, means, tries)
    if classes:
        means = f"Of {_list(classes)} G draws few things, whatever the seed."
        return Finding("collapse", BAD, "Collapse within classes", found, means, tries)
    if measured.spread < NARROW or measured.gap < REPEATED:
        means = "Some of the samples are nearly others over again, or all lie close together."
        return Finding("collapse", WATCH, "The samples repeat themselves", found, means, tries)
    return Finding("collapse", GOOD, "No sign of collapse: other seeds give other samples", found)


# Karras et al. 2020 (arXiv:2006.06676): r_v is 0 without overfitting, 1 where D takes unseen pictures for generated.
# Measured, with r's standard error: .01 ± .16 (vanilla_gan), .11 ± .17 (r3gan), .20 ± .03 (dcgan) and .25 ± .04
# (infogan) on 55,000 pictures; .36 ± .05 and .61 ± .04 (r3gan on 2,987 emoji, after 2,418 and 5,658 steps); .75 ± .08
# (a narrow dcgan on 100 pictures, after 700).
LEARNT, LEARNING = 0.6, 0.3


def overfitting(past: Past, measured: "Measured | None") -> Finding | None:
    """How much of D's lead is memory, by its numbers of training and of held-out samples."""
    gap = None if measured is None else measured.overfitting
    if measured is None or gap is None:
        return _unmeasured("overfitting", "Whether D has learnt its samples by heart", measured)
    found = (
        f"D gives training samples {_n(gap.training)}, held-out ones of {measured.held_out} {_n(gap.held_out)} and "
        f"generated ones {_n(gap.generated)} on average over {gap.n} each, drawn with seed {measured.seed}"
    )
    # A quotient whose denominator may be 0 says nothing.
    if not math.isfinite(gap.share) or gap.error > LEARNING:
        found += f": r = {_n(gap.share)} ± {_n(gap.error)}."
        means = "D's lead over G is too small, or the samples are too few, to say how much of it is memory."
        return Finding("overfitting", UNKNOWN, "Overfitting of D cannot be told", found, means)
    found += (
        f": r = {gap.share:.2f} ± {gap.error:.2f}, where 0 is none and 1 is a D that takes unseen real samples for "
        f"generated ones; the limits are {LEARNING:g} and {LEARNT:g}."
    )
    tries = (
        *_with_augment(past.config),
        ("more training samples, where there are any", None),
        *_keep_best(past),
        *_with_penalty(past.config),
    )
    sure = gap.share - 2.0 * gap.error
    if gap.share > LEARNT and sure > LEARNING:
        means = "Most of what D tells apart it knows by heart. What G learns from it grows worse from here on."
        return Finding("overfitting", BAD, "D has learnt the training samples by heart", found, means, tries)
    if gap.share > LEARNING and sure <= LEARNING / 2:
        means = "The samples are too few to be sure of it."
        return Finding("overfitting", UNKNOWN, "Overfitting of D cannot be told", found, means)
    if gap.share > LEARNING:
        means = "D begins to know training samples by heart. With few of them that comes early."
        return Finding("overfitting", WATCH, "D begins to overfit", found, means, tries)
    return Finding("overfitting", GOOD, "No sign of overfitting: D judges unseen samples much as its own", found)


# The test of Meehan et al. 2020 (arXiv:2004.05675), whose null is a share of .5, over all of space at once and in
# pixels. There smooth pictures are near to everything.
# Measured: .41 to .66 (ebgan, the smoothest) for the presets.
COPIED, NEAR = 0.9, 0.75


def copies(past: Past, measured: "Measured | None") -> Finding | None:
    """Whether samples lie closer to training pictures than pictures do that nobody has trained on."""
    if len(past.config.recipe["image_shape"]) != 3:
        return None
    if measured is None or measured.closer is None:
        return _unmeasured("copies", "Whether samples are copies", measured)
    found = (
        f"A generated picture is closer to the nearest of {measured.searched:,} training pictures than a held-out one "
        f"in {measured.closer:.0%} of all comparisons, in pixels; 50% is what new real pictures have, and the limits "
        f"are {NEAR:.0%} and {COPIED:.0%}."
    )
    tries = (("more training pictures, where there are any", None), *_with_augment(past.config), *_keep_best(past))
    if measured.closer > COPIED:
        means = "Copies, or pictures so smooth that they lie near to all: compare them with their nearest ones below."
        return Finding("copies", BAD, "Samples lie very close to training pictures", found, means, tries)
    if measured.closer > NEAR:
        means = "Smooth pictures are near to all others, and so are copies: compare them with their nearest ones below."
        return Finding("copies", WATCH, "Samples lie close to training pictures", found, means, tries)
    return Finding("copies", GOOD, "No sign of copying", found)


DISTANCES = ("fcd", "fid", "frechet_distance")  # by which `train` keeps the best epoch
WORSE = 1.1  # our choice: less than that the scores of neighbouring epochs go up and down by anyhow


def best_epoch(past: Past) -> Finding | None:
    """Whether the best epoch by score is long past."""
    name, scores = _scores(past.history)
    if name is None or len(scores) < 2:
        return None
    best_at, best = min(scores, key=lambda pair: pair[1])
    last_at, last = scores[-1]
    found = f"{name} is {_n(best)} in epoch {best_at} and {_n(last)} in epoch {last_at}"
    if last > WORSE * best:
        return Finding(
            "best_epoch",
            WATCH,
            "The best epoch is past",
            f"{found}; the limit is {WORSE:g} times the best.",
            "The training has made it worse since then. best.keras is the model of that epoch, and what "
            "`--preset=RUN` and `kerasgan preset` take.",
            (
                ("keep the best epoch as a preset", f"kerasgan preset --run={past.run} --output=presets/NAME"),
                ("end there", f"--epochs={best_at}"),
                *_falling_rate(past.config),
            ),
        )
    if last_at == best_at:
        found = f"The lowest {name}, {_n(best)}, is that of epoch {best_at}, the last one that was scored"
    return Finding("best_epoch", GOOD, "The last epoch is among the best", f"{found}.")


# Measured: the presets took from 4,719 (infogan) to 13,200 (vanilla_gan) generator updates.
FEW_STEPS = 4000
IMPROVING = 0.05


def length(past: Past) -> Finding | None:
    """Whether it was too short: its score still falling, or steps in the thousands still to come."""
    on = f"kerasgan train --output={past.run} --resume"
    if past.reason is not None or not past.history.get("step"):
        return None
    if not past.finished:
        config = past.config
        end = f"{config.epochs} epochs" if config.steps is None else f"{config.steps:,} steps"
        found = f"{past.steps:,} steps in {len(past.history['step'])} epochs so far, of {end}."
        means = "It has not come to its end; what is found here may still change."
        return Finding("length", WATCH, "Not finished", found, means, (("go on", on),))
    more = (("go on for twice as long", f"{on} {_twice(past.config)}"),)
    if any("(" in str(past.config.recipe.get(name)) for name in ("learning_rate", "ema_decay", "penalties")):
        more = (("train anew for twice as long: its schedules end where it ended", _twice(past.config)),)
    name, scores = _scores(past.history)
    if name is not None and len(scores) >= 4:
        cut = len(scores) - max(1, len(scores) // 4)
        before, late = min(value for _, value in scores[:cut]), min(value for _, value in scores[cut:])
        found = f"The best {name} of the last quarter of the epochs is {_n(late)}, of those before {_n(before)}"
        if late < (1 - IMPROVING) * before:
            found += f": {1 - late / before:.0%} lower; the limit is {IMPROVING:.0%}."
            return Finding("length", WATCH, "Still getting better at the end", found, "More of it may help.", more)
        return Finding("length", GOOD, "Long enough: the score has settled", f"{found}.")
    if past.steps < FEW_STEPS:
        found = f"{past.steps:,} generator updates; the trained presets took 4,719 to 13,200."
        return Finding("length", WATCH, "A short training", found, "It may not have come to what it can.", more)
    return Finding("length", GOOD, "Not short", f"{past.steps:,} generator updates; few is below {FEW_STEPS:,}.")


def _unmeasured(sign, title, measured):
    why = None if measured is None else measured.left_out.get(sign)
    return Finding(
        sign, UNKNOWN, f"Not measured: {title[0].lower()}{title[1:]}", why or "There was nothing to measure."
    )


# -- what to try ------------------------------------------------------------------------------------------------------


RATES = {  # of both, and of each where a family has two
    "D": ("d_learning_rate", "learning_rate"),
    "G": ("g_learning_rate", "generator_learning_rate"),
}


def _slower(config):
    return (*_slower_d(config), *_slower_g(config))


def _slower_d(config):
    return _lower(config, "D")


def _slower_g(config):
    return _lower(config, "G")


def _lower(config, player):
    name = next((name for name in RATES[player] if name in config.recipe), None)
    if name is None:
        return ()
    of = f" for {player}" if any(name in config.recipe for name in RATES["G"]) else ""
    rate = config.recipe[name]
    if isinstance(rate, (int, float)):
        return ((f"a lower learning rate{of}", f"--{name}={rate / 2:.3g}"),)
    return ((f"a lower learning rate{of}" + ("" if rate is None else f", which is {rate} now"), None),)


def _falling_rate(config):
    rate = config.recipe.get("learning_rate")
    if isinstance(rate, str) or "optimizer" in config.recipe or rate is None:
        return ()
    return (("a rate that falls, as Keras's LearningRateScheduler does in `fit`", None),)


def _softer_loss(config):
    return (("a loss that keeps its gradient", "--loss=non_saturating"),) if config.recipe["loss"] == "minimax" else ()


def _with_penalty(config):
    if config.recipe.get("penalties") or config.recipe["loss"] == "ebgan":
        return ()
    return (("a penalty on D's gradient", "--penalties='r1(5, every=16)'"),)


def _with_augment(config):
    if len(config.recipe["image_shape"]) != 3:
        return ()
    if config.recipe.get("augment"):
        return ((f"more augmentation than {config.recipe['augment']}", "--augment=adaptive"),)
    return (("augmentation of what D sees", "--augment=color,translation"),)


def _with_average(config):
    return () if config.recipe.get("ema_decay") is not None else (("an average of G", "--ema_decay=.999"),)


def _other_family(config):
    return (("a D with convolutions", "--model=dcgan"),) if config.model == "vanilla_gan" and _is_image(config) else ()


def _is_image(config):
    return len(config.recipe["image_shape"]) == 3


def _keep_best(past):
    if past.config.validation_split is not None:
        return ()
    return (
        (
            "score every epoch on held-out pictures, and keep the best in best.keras",
            "--split='train[:90%]' --validation_split='train[90%:]'",
        ),
    )


def _twice(config):
    return f"--epochs={2 * config.epochs}" if config.steps is None else f"--steps={2 * config.steps}"


# -- numbers ----------------------------------------------------------------------------------------------------------


def _last(history: History, name: str) -> float | None:
    """The mean over the last fifth of the epochs, one at least, of those that logged it."""
    values = history.get(name, ())
    late = [value for value in values[-max(1, len(values) // 5) :] if math.isfinite(value)]
    return statistics.fmean(late) if late else None


def _scores(history: History) -> tuple[str | None, list[tuple[int, float]]]:
    """The Fréchet distance of the epochs that were scored, each once: those between two of them repeat the first."""
    name = next((name for name in DISTANCES if name in history), None)
    found: list[tuple[int, float]] = []
    for epoch, value in zip(history.get("epoch", ()), history.get(name, ()) if name else (), strict=False):
        if math.isfinite(value) and (not found or found[-1][1] != value):
            found.append((int(epoch), value))
    return name, found


def _n(value: Any) -> str:
    return f"{value:.3g}"


def _list(names):
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
