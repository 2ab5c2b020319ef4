"""Writes a GAN's generator as one file in another format than TensorFlow's."""

import contextlib
import os
import pathlib
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kerasgan import serving
from kerasgan.files import check_output_file
from kerasgan.formats import description
from kerasgan.formats.table import SERVABLE, Format, by_name, by_path

if TYPE_CHECKING:
    from kerasgan.gan import GAN


def export_as(
    gan: "GAN",
    filepath: str | os.PathLike,
    format: str,
    verbose: bool | None = None,
    input_signature: Any = None,
    **kwargs: Any,
) -> Any:
    """`GAN.export`: a SavedModel with kerasgan's signatures, one file in another format, or what Keras exports of
    `call` where an `input_signature` is given.

    Returns:
        `filepath`, or what Keras gives.

    Raises:
        ValueError: as `serving.export`, as `export`, or as Keras.
    """
    if input_signature is not None:
        gan.inference_generator()  # in Keras's graph it is taken as it is
        return keras.Model.export(
            gan, filepath, format=format, verbose=verbose, input_signature=input_signature, **kwargs
        )
    if format == SERVABLE:
        return serving.export(gan, filepath, verbose=verbose, **kwargs)
    return export(gan, filepath, format, **kwargs)


def export(
    gan: "GAN",
    filepath: str | os.PathLike,
    format: str | None = None,
    precision: str | None = None,
    preset: str | None = None,
) -> pathlib.Path:
    """Writes one file that draws in another runtime; it appears whole or not at all.

    Its one input is `z`, float32 `[B, latent.dim]` for any B, as of the servable's `serving_default`, and its one
    output `images`, float32 `[B, H, W, C]` in [0, 1]; or `samples` `[B, ...]` where they are no images. None of the
    formats has the random numbers that seeds stand for (`gan.draw_latents` makes z of seeds).

    Args:
        gan: a `kerasgan.GAN`; the average draws where there is one.
        filepath: the file, with the ending of its format. OpenVINO has a second one beside it, which ends in `.bin`.
        format: "onnx", "litert" or "openvino"; None is what the ending says.
        precision: "float32", the default; "float16", in which the weights are kept and, by ONNX, computed; or for
            LiteRT "int8", whose weights are whole numbers with a scale for each channel (dynamic range).
        preset: which of `list_presets()` it was made from, for `verify` to compare times with.

    Returns:
        `filepath`.

    Raises:
        ValueError: an unknown format or precision, another ending, an extra that is not installed, a place that
            cannot be written to, or a network that the format cannot hold, with the operation.
    """
    kind = _format_of(filepath, format)
    precision = kind.check_precision(precision)
    path = check_output_file(filepath)
    if path.suffix.lower() != kind.ending:
        raise ValueError(f"A file of the format {kind.name} ends in {kind.ending}; found {os.fspath(filepath)!r}.")
    kind.check_extra(*kind.writers)
    network = in_float32(gan.inference_generator())
    name = description.output_name(gan)

    def draw(z):
        return {name: tf.cast(gan.to_unit_range(network(z, training=False)), tf.float32)}

    seeds = np.arange(description.ROWS)
    z = np.asarray(gan.latent.from_seeds(seeds), np.float32)
    about = description.describe(gan, precision)
    about["preset"] = preset
    about["recorded"] = description.record(z, draw(tf.constant(z))[name].numpy())
    signature = [tf.TensorSpec([None, gan.latent.dim], tf.float32, name="z")]
    kind.module.write(draw, signature, network, path, precision, description.to_text(about))
    return path


def _format_of(filepath: Any, name: str | None) -> Format:
    if name is not None:
        return by_name(name)
    found = by_path(filepath)
    if found is None:
        raise ValueError(f"No format's files end as {os.fspath(filepath)!r} does; say format=.")
    return found


def in_float32(network: keras.Model) -> keras.Model:
    """A network that computes in float32 whatever it was trained in; the formats' runtimes know no bfloat16.

    Raises:
        ValueError: a network that computes in another precision and is not made of layers that say how to make them.
    """
    if _precisions(network) == {"float32"}:
        return network

    def anew(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    with contextlib.suppress(ValueError, TypeError, NotImplementedError):  # of a network that is a class of its own
        copy = keras.models.clone_model(network, clone_function=anew)
        copy.set_weights(network.get_weights())
        if _precisions(copy) == {"float32"}:
            return copy
    found = ", ".join(sorted(_precisions(network) - {"float32"}))
    raise ValueError(f"Other formats are written in float32, and {network.name} computes in {found}.")


def _precisions(network):
    return {layer.compute_dtype for layer in network._flatten_layers()}
