"""Keras with another backend than TensorFlow: one line says so."""

import json
import os
import subprocess
import sys

import pytest


def run(folder, *argv, **environment):
    """Status and stderr of a fresh Python, whose Keras is a stand-in that says what backend it would have."""
    package = folder / "stand_in" / "keras"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("from keras import config\n")
    (package / "config.py").write_text("backend = lambda: 'torch'\n")
    path = os.pathsep.join([str(folder / "stand_in"), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    result = subprocess.run([sys.executable, *argv], env=environment, capture_output=True, text=True, timeout=120)
    return result.returncode, result.stderr


@pytest.mark.parametrize("code", ["import kerasgan, keras", "import keras, kerasgan"])
def test_keras_imported_with_another_backend(tmp_path, code):
    status, said = run(tmp_path, "-c", code)
    assert status == 1
    assert said.splitlines()[-1].startswith("kerasgan.backends.BackendError: kerasgan needs Keras with TensorFlow; ")
    assert "'torch'" in said.splitlines()[-1]


def test_a_name_that_needs_keras_says_it_before_keras_is_imported(tmp_path):
    """It may not even be importable: without PyTorch Keras itself ends in a traceback."""
    status, said = run(tmp_path, "-c", "import kerasgan; kerasgan.registry; kerasgan.GAN", KERAS_BACKEND="jax")
    assert status == 1
    assert "KERAS_BACKEND sets it to 'jax'. Set KERAS_BACKEND=tensorflow" in said.splitlines()[-1]


@pytest.mark.parametrize("where", ["environment", "file"])
def test_the_command_says_it_in_one_line(tmp_path, where):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    named = {"KERAS_BACKEND": "torch"} if where == "environment" else {"KERAS_HOME": str(tmp_path)}
    command = ("-m", "kerasgan.cli", "sample", "--preset=dcgan_fashion_mnist", f"--output={tmp_path / 'a.png'}")
    if where == "file":
        named["KERAS_BACKEND"] = ""
    status, said = run(tmp_path, *command, **named)
    assert status == 1
    assert said.startswith("kerasgan: error: kerasgan needs Keras with TensorFlow; ")
    assert said.count("\n") == 1
    assert ("KERAS_BACKEND sets" if where == "environment" else "keras.json sets") in said
    assert run(tmp_path, "-m", "kerasgan.cli", "list", **named)[0] == 0  # which needs none
