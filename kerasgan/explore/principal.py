"""Directions in the latent space that change a picture most."""

from typing import TYPE_CHECKING

import keras
import numpy as np
import scipy.sparse.linalg
import tensorflow as tf

from kerasgan.errors import check_whole

if TYPE_CHECKING:
    from kerasgan.gan import GAN

FLAT = 1e-4  # of the largest deviation: below are rounding errors, and no directions


def directions(
    gan: "GAN",
    n: int = 10,
    *,
    layer: str | None = None,
    samples: int = 1000,
    seed: int = 0,
    batch_size: int = 128,
) -> np.ndarray:
    """The principal components of a generator's early activations, brought back to z: GANSpace (Härkönen et al. 2020,
    arXiv:2004.02546, section 3.2).

    Of the activations y of many z the principal components V are found, and by least squares the U with z = U V'y,
    whose columns these are. (Here z fits the coordinates V'y and not they z: as all noise is alike and independent,
    that is the same but for a factor, and of a linear layer exact, where the paper's fit is off by about
    sqrt(latent.dim / samples).) `gan.generate(z=z + s * directions[k])` goes along the k-th; for noise of deviation 1
    s from about -3 to 3 is usual. Signs mean nothing: the largest number of each is positive.

    Labels and codes have ways of their own (`labels=`, `codes=`): what of the activations follows from them, linearly,
    is taken away first, and the directions are 0 there.

    Args:
        gan: a `kerasgan.GAN` whose generator is a `keras.Sequential` or a functional `keras.Model`.
        n: how many.
        layer: the name of a layer of `gan.inference_generator()`; a model inside it counts as one layer. None is the
            first with weights whose output depends on the noise.
        samples: how many z; they are held with as many times the layer's numbers, as float32.
        seed: of the first z.
        batch_size: how many pass through the generator at once.

    Returns:
        float32 `[n, latent.dim]`, each of length 1; that whose component has the largest variance comes first.

    Raises:
        ValueError: a generator whose layers Keras cannot reach, a layer that there is not or that is the same for any
            noise, fewer samples than numbers of noise, or more directions than there are.
    """
    latent = gan.latent
    noise = getattr(latent, "noise", latent.dim)
    check_whole("n", n, 1)
    check_whole("batch_size", batch_size, 1)
    check_whole("samples", samples, latent.dim + 2)
    z = gan.draw_latents(samples, seed)
    early = _until(gan, layer, z)
    batches = [early(z[start : start + batch_size], training=False) for start in range(0, samples, batch_size)]
    y = np.concatenate([np.asarray(tf.cast(batch, tf.float32)).reshape(len(batch), -1) for batch in batches])
    if not np.isfinite(y).all():
        raise ValueError("The generator gives numbers that are not finite; its training has diverged.")
    z = z.astype(np.float64)
    y, x = (_without(part, z[:, noise:]) for part in (y, z[:, :noise]))
    coordinates, deviations = _principal(y, n)
    most = int(np.sum(deviations > FLAT * deviations[0]))
    if n > most:
        raise ValueError(
            f"There are {most} directions at most along which {early.layers[-1].name} varies; found n={n}."
        )
    found = np.zeros((n, latent.dim))
    found[:, :noise] = np.linalg.solve(x.T @ x, x.T @ coordinates).T  # least squares, of noise that is independent
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)
    return (found * np.sign(largest)).astype(np.float32)


def _until(gan, name, z):
    """The generator up to a layer: the named one, or the first with weights whose output depends on the noise."""
    network = gan.inference_generator()
    try:
        outputs = {each.name: each.output for each in network.layers if not isinstance(each, keras.layers.InputLayer)}
        weighted = [each.name for each in network.layers if each.weights]
        [begin] = network.inputs
    except (AttributeError, TypeError, ValueError):
        outputs = {}
    if not outputs:
        raise ValueError(
            f"directions needs a generator whose layers Keras can reach, Sequential or functional; found "
            f"{type(network).__name__}."
        )
    if name is not None and name not in outputs:
        raise ValueError(f"The generator has no layer {name!r}; it has {', '.join(outputs)}.")
    other = z[:2].copy()
    other[1] = other[0]
    dim = getattr(gan.latent, "noise", gan.latent.dim)
    other[1, :dim] = z[1, :dim]  # other noise, the same label and codes
    for each in weighted if name is None else [name]:
        early = keras.Model(begin, outputs[each])
        first, second = np.asarray(tf.cast(early(other, training=False), tf.float32))
        if np.any(first != second):
            return early
    raise ValueError(f"No activations of {name or 'any layer'} depend on the noise; there are no directions.")


def _without(y, codes):
    """y `[N, D]` about its mean, without what follows linearly from codes `[N, k]`: of labels, about each class's."""
    known = np.concatenate([np.ones((len(y), 1)), codes], axis=1)
    basis, lengths, _ = np.linalg.svd(known, full_matrices=False)
    basis = basis[:, lengths > 1e-6 * lengths[0]]  # one-hot columns add up to that of ones
    return y - basis @ (basis.T @ y)


def _principal(y, n):
    """Principal coordinates of y `[N, D]`, each of length 1, and their deviations: the n largest, or all, in order.

    From the smaller of the two products with its transpose, and where it is large by Lanczos's iteration for n alone:
    all eigenvectors of 1,000 samples' take 2 s, and on busy processors 10 and more.
    """
    product = y @ y.T if len(y) <= y.shape[1] else y.T @ y
    if n < len(product) // 4:
        variances, vectors = scipy.sparse.linalg.eigsh(product, n, v0=np.ones(len(product)))
    else:
        variances, vectors = np.linalg.eigh(product)
    order = np.argsort(-variances, kind="stable")[:n]
    variances, vectors = variances[order], vectors[:, order]
    if len(y) > y.shape[1]:
        vectors = y @ vectors
        vectors /= np.maximum(np.linalg.norm(vectors, axis=0), 1e-30)
    return vectors, np.sqrt(np.maximum(variances, 0.0) / len(y))
