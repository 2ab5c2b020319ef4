"""The Fréchet distance of as many samples as there are machines for: their features are summed up, not kept."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasgan.cluster.connecting import connected
from kerasgan.cluster.drawing import AT_ONCE, seen_by_all
from kerasgan.cluster.spreading import Shard, shards_of, spread
from kerasgan.metrics import Moments, Score, frechet_distance

if TYPE_CHECKING:
    from kerasgan.gan import GAN

SIZE = 10_000  # samples whose moments are sent at once


def score(
    gan: "GAN",
    preset: str,
    real: np.ndarray,
    n: int,
    workers: int,
    address: str = "auto",
    features: Any = None,
    dataset: Any = None,
    seed: int = 0,
    gpus: float = 0.0,
    size: int = SIZE,
) -> Score:
    """The Fréchet distance of n samples from real ones, on a Ray cluster.

    Every process sums the features of its samples and their products up, in float64, and the sums are added in the
    order of the seeds: memory stays the same however many there are, and the result is that of one machine to rounding.

    Args:
        gan: what is scored; says what its samples are.
        preset: the same, as `kerasgan.presets.load` takes it on every machine.
        real: images as `kerasgan.data.load_array` gives them.
        n: samples that are drawn, from `seed` on.
        workers, address, gpus: as of `kerasgan.cluster.draw`.
        features: the name of what `kerasgan.features.get` takes, or None for what is usual.
        dataset: where the real ones are from; its name says what is usual.
        seed: of the first sample.
        size: samples whose sums a process sends at once.

    Returns:
        "fid" by Inception's features, "fcd" by others.

    Raises:
        ValueError: there is no such cluster, or features that do not fit the images.
        kerasgan.cluster.spreading.ShardError: a part has failed three times.
    """
    from kerasgan import evaluation
    from kerasgan import features as extractors

    if gan.value_range is None:
        raise ValueError("Only images can be scored on several machines; points are scored on one.")
    extractor = extractors.get(features, gan.sample_shape, dataset)
    job = {"preset": seen_by_all(preset), "features": extractor.name if features is None else features}
    parts: dict[int, Moments] = {}
    total, done = Moments(), 0
    with connected(address, workers) as ray:
        judge = evaluation.Judge(real, None, extractor, progress=sys.stderr.isatty())
        for index, found in spread(ray, hand, job, shards_of(n, seed, size), workers, gpus, "scoring"):
            parts[index] = Moments.from_bytes(found)
            while done in parts:  # in the order of the seeds, so that it is the same each time
                total.merge(parts.pop(done))
                done += 1
    name, _ = judge.distance_names
    value = frechet_distance(judge.real_moments, total, few=True)
    return Score(name, value, None, len(real), total.count, judge.name, seed)


def hand(job: dict[str, Any]) -> Callable[[Shard], bytes]:
    """On each machine, what draws one shard and gives the moments of its features."""
    from kerasgan import features as extractors
    from kerasgan import presets

    gan = presets.load(job["preset"])
    extractor = extractors.get(job["features"], gan.sample_shape)

    def work(shard: Shard) -> bytes:
        moments = Moments()
        for start in range(0, shard.count, AT_ONCE):
            images = gan.generate(min(AT_ONCE, shard.count - start), shard.first + start, batch_size=AT_ONCE)
            if not np.isfinite(images).all():
                raise ValueError("The generator gives numbers that are not finite; its training has diverged.")
            moments.add(extractor.extract([images])["features"])
        return moments.to_bytes()

    return work
