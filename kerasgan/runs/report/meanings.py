"""What the columns of a run's history mean, in the words of docs/training.md, which says it whole."""

import math
from collections.abc import Mapping, Sequence

# Panels: a title, the columns in it, and a sentence. Columns of held-out samples have val_ before their names.
PANELS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "Losses",
        ("d_loss", "g_loss"),
        "Two sides of a game: neither falls to zero when all goes well. Their scales depend on the loss, so compare "
        "each with itself.",
    ),
    (
        "What D says",
        ("d_real", "d_fake"),
        "D's mean probability that a real sample is real (.5 to .8 in a good game), and that a generated one is (.2 to "
        ".5). With least_squares these are D's numbers, drawn to 1 and 0.",
    ),
    (
        "The game's value",
        ("value", "jsd"),
        "value is what D maximises, from -log 4 = -1.386. jsd, (value + log 4) / 2, is a lower bound on how far the "
        "samples are from the data: .05 to .35 is a game, .69 a D that tells every sample apart, 0 one that sees no "
        "difference.",
    ),
    (
        "Pairs",
        ("pair_accuracy", "pair_jsd"),
        "How often D finds the real one of two (.5 at the equilibrium, 1 where it is always right), and the bound that "
        "follows in nats: below log 2 = .693.",
    ),
    (
        "Energy",
        ("energy_real", "energy_fake"),
        "The errors of D's reconstruction. At the equilibrium the two are equal; energy_fake far below energy_real is "
        "a G that draws something easier than pictures.",
    ),
    (
        "Total variation",
        ("total_variation",),
        "A lower bound on how far the samples are from the data, from 0 to 1.",
    ),
    (
        "The critic's gap",
        ("critic_gap",),
        "D of real samples less D of generated ones: a lower bound on the Wasserstein distance where D's slope is at "
        "most 1.",
    ),
    (
        "Fréchet distance",
        ("fcd", "fid", "frechet_distance"),
        "How far the features of generated samples are from those of held-out real ones; lower is better. It compares "
        "with scores of as many samples by the same features alone.",
    ),
    (
        "Kernel distance",
        ("kid",),
        "The same by another measure, which is not too large for few samples; lower is better.",
    ),
    (
        "Label accuracy",
        ("label_accuracy",),
        "How often a classifier takes a sample for the class that was asked for; higher is better.",
    ),
    (
        "Penalties",
        ("r1", "r2", "gradient_penalty"),
        "How steep D is, without the penalties' weights: at real samples (r1), at generated ones (r2), or in between.",
    ),
    (
        "Augmentation",
        ("augment_p",),
        "The probability with which D sees a sample changed.",
    ),
)
INFORMATION = (
    "Mutual information",
    "A lower bound in nats on what samples tell of their codes. A code of k categories carries log k at most, 2.303 "
    "for 10; near 0 G ignores it. A continuous one cannot be certified above -.226.",
)


def panels_of(history: Mapping[str, Sequence[float]]) -> list[tuple[str, list[str], str]]:
    """The panels of a history: a title, its columns, a sentence. Columns that nothing is known of, such as a metric of
    one's own, have a panel each without a sentence; empty ones have none.
    """
    left = [
        name
        for name, values in history.items()
        if name not in ("epoch", "step") and any(math.isfinite(value) for value in values)
    ]
    found = []
    for title, names, sentence in PANELS:
        own = [name for name in left if name.removeprefix("val_") in names]
        found.append((title, sorted(own, key=lambda name: (name.startswith("val_"), name)), sentence))
        left = [name for name in left if name not in own]
    informed = [name for name in left if "mutual_information" in name]
    found.append((INFORMATION[0], informed, INFORMATION[1]))
    found += [(name, [name], "") for name in left if name not in informed]
    return [panel for panel in found if panel[1]]
