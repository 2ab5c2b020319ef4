"""Files from strangers: what names code is refused before Keras sees it."""

import json
import zipfile

import keras
import numpy as np
import pytest
from conftest import small_gan

import kerasgan
from kerasgan import deserialization, presets

GET_FILE = {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "function"}
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "lambda x: 1 / 0"}}


KNOWN = {"module": "builtins", "class_name": "function", "config": "tests>halved", "registered_name": "function"}


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (LAMBDA, "it has a Lambda layer, which is code, and code from a file is never run"),
        ({**LAMBDA, "module": "keras", "class_name": "layers.Lambda"}, r"it names keras\.layers\.Lambda"),
        ({**LAMBDA, "module": "keras.src.layers.core.lambda_layer"}, "it has a Lambda layer"),
        (
            {**LAMBDA, "config": {"function": GET_FILE, "arguments": {"origin": "file:///etc/passwd"}}},
            "has a Lambda layer",
        ),
        (
            {"module": "keras.layers", "class_name": "TimeDistributed", "config": {"layer": LAMBDA}},
            "it has a Lambda layer",
        ),
        ({"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/tmp"}}, "it has a TFSMLayer"),
        ({"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": "gAR9"}}, "TorchModule"),
        (
            {"module": "keras.layers", "class_name": "Activation", "config": {"activation": GET_FILE}},
            "it names the function 'get_file', and code from a file is never run",
        ),
        (
            {
                "module": "keras.layers",
                "class_name": "Activation",
                "config": {"activation": {**GET_FILE, "module": "keras", "config": "models.load_model"}},
            },
            "it names the function 'models.load_model'",
        ),
        (  # Keras hands out functions for the names of classes too
            {
                "module": "keras.layers",
                "class_name": "Activation",
                "config": {"activation": {"module": "keras.visualization", "class_name": "plot_image_gallery"}},
            },
            r"it names keras\.visualization\.plot_image_gallery, neither a part of networks that Keras has nor",
        ),
        ({"module": "keras.models", "class_name": "clone_model", "config": {}}, r"it names keras\.models\.clone_model"),
        ({"module": "keras", "class_name": "config.set_floatx", "config": {}}, r"it names keras\.config\.set_floatx"),
        ({"module": "keras.src.ops.core", "class_name": "Switch", "config": {"name": "s"}}, "it has a Switch layer"),
        (
            {**LAMBDA, "config": {"function": {**GET_FILE, "module": "keras.ops", "config": "sin"}}},
            "it has a Lambda layer",
        ),
        (
            {
                "module": "keras.layers",
                "class_name": "Activation",
                "config": {"activation": {**GET_FILE, "module": "builtins", "config": "deserialize"}},
            },
            "it names the function 'deserialize'",
        ),
        ({"module": "keras_hub.layers", "class_name": "Any", "config": {}}, r"it names keras_hub\.layers\.Any"),
        ({"class_name": "Dense", "config": {"units": 1}}, r"it names None\.Dense"),
        (
            {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "x", "function": KNOWN}},
            "it has a TFSMLayer",
        ),
        ({**LAMBDA, "config": {"function": {**KNOWN, "config": "kerasgan>GAN"}}}, "it has a Lambda layer"),
    ],
)
def test_code_in_a_file_is_not_run(tmp_path, layer, message):
    """Neither Python that is stored in it nor code that it names, in presets, `.keras` files and checkpoints."""
    gan = small_gan()
    folder = gan.save_to_preset(tmp_path / "code")
    config = json.loads((folder / "config.json").read_text())
    config["config"]["generator"]["config"]["layers"].append(layer)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=message):
        presets.load(folder)

    gan.save(tmp_path / "whole.keras")
    path = tmp_path / "step-1.keras"
    with zipfile.ZipFile(tmp_path / "whole.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["generator"]["config"]["layers"].append(layer)
                content = json.dumps(config)
            new.writestr(name, content)
    with pytest.raises(ValueError, match=message):
        presets.load(path)
    with pytest.raises(ValueError, match=message):
        kerasgan.features.get(str(path), (8, 8, 1))
    with pytest.raises(ValueError, match=message):
        kerasgan.callbacks.restore(tmp_path)


@keras.saving.register_keras_serializable("tests")
def halved(x):
    return x / 2


@keras.saving.register_keras_serializable("tests")
class Lambda(keras.layers.Layer):
    """A layer of the caller's own, whatever its name."""

    def call(self, x):
        return x


def test_what_the_caller_has_registered_is_no_stranger(tmp_path):
    x = keras.Input((3,))
    y = Lambda()(keras.layers.Lambda(halved, output_shape=(3,))(x))
    y = keras.layers.Activation(halved)(y)
    y = keras.layers.Activation(keras.activations.relu)(keras.ops.sin(y))
    model = keras.Model(x, y)
    model.save(tmp_path / "known.keras")
    loaded = deserialization.load_keras(tmp_path / "known.keras")
    np.testing.assert_allclose(loaded(np.full((1, 3), 4.0)), [[np.sin(1.0)] * 3], rtol=1e-6)
