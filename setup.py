"""Packaging: `zoo/` installs as `kerasgan.zoo`, `saved_models/` as the package data of `kerasgan.saved_models`."""

import pathlib
import re
import tempfile

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "kerasgan" / "__init__.py").read_text()).group(1)

EXPLORE = ["gradio>=6.20,<7"]
ONNX = ["onnx>=1.17,<2", "tf2onnx>=1.17,<2", "onnxruntime>=1.20,<2"]
LITERT = ["ai-edge-litert>=1.2,<3"]
OPENVINO = ["openvino>=2025.0", *ONNX[:2]]
HUB = ["huggingface_hub>=1.16,<3", "kagglehub>=1.0,<2; python_version >= '3.11'"]
RAY = ["ray[train,data]>=2.56,<3"]
SERVING = ["tensorflow-serving-api>=2.20,<3", "requests>=2.31,<3"]

# In the usual build/ modules that were deleted long ago lie on, and would be packaged again.
BUILD = tempfile.TemporaryDirectory(prefix="kerasgan-build-")

setup(
    options={"build": {"build_base": BUILD.name}},
    name="kerasgan",
    version=VERSION,
    description="Generative adversarial networks for images in Keras 3: train with fit, trust the numbers, serve.",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    package_dir={
        "kerasgan": "kerasgan",
        "kerasgan.zoo": "zoo",
        "kerasgan.saved_models": "saved_models",
    },
    packages=[
        "kerasgan",
        *(f"kerasgan.{name}" for name in find_packages("kerasgan")),
        "kerasgan.zoo",
        *(f"kerasgan.zoo.{name}" for name in find_packages("zoo")),
        "kerasgan.saved_models",
    ],
    package_data={
        "kerasgan": ["py.typed"],
        "kerasgan.zoo": ["*/README.md", "*/*.png"],
        "kerasgan.saved_models": [
            *("README.md", "*.config", "*.pbtxt", "*.yaml"),
            # the trained presets, and what they are scored by
            *("*/README.md", "*/*.json", "*/*.h5", "*/*.keras", "*/*.png", "*/LICENSE.txt"),
        ],
    },
    entry_points={"console_scripts": ["kerasgan = kerasgan.cli:main"]},
    install_requires=[
        "tensorflow>=2.20,<3",
        "keras>=3.12.4,<4",  # earlier ones read files that a weights file names
        "tensorflow-datasets>=4.9.8,<5",
        "importlib_resources>=5,<8",  # tensorflow-datasets 4.9 imports it without requiring it
        "absl-py>=2.0,<3",
        "h5py>=3.10,<4",
        "numpy>=1.26,<3",
        "scipy>=1.11,<2",
        "pillow>=10.3",
        "matplotlib>=3.8,<4",
        "fonttools>=4.40,<5",  # reads the pictures of noto_emoji; matplotlib requires it too
        "tqdm>=4.66,<5",
        "wrapt>=1.14,<3",
    ],
    extras_require={
        "serving": SERVING,
        "explore": EXPLORE,  # the page of `kerasgan explore`
        "onnx": ONNX,
        "litert": LITERT,
        "openvino": OPENVINO,
        "torch": ["torch>=2.4,<3", "safetensors>=0.4.3,<1"],  # files of weights from PyTorch
        "hub": HUB,  # presets at Hugging Face and Kaggle
        "ray": RAY,  # training, drawing and scoring on several machines
        "gpu": ["tensorflow[and-cuda]>=2.20,<3"],
        "bench": ["torch>=2.4,<3"],
        "docs": ["zensical>=0.0.73,<0.1", "mkdocstrings-python>=2.0.11,<3"],
        "test": [
            "pytest>=8,<10",
            "pytest-xdist>=3.5,<4",
            "sybil>=9,<11",  # finds the blocks of code in the pages
            "ruff>=0.6,<1",
            "mypy>=1.15,<3",
            "import-linter>=2.5,<3",
            "tensorboard>=2.20,<3",
            "pyyaml>=6,<7",
            "nbclient>=0.10,<1",  # runs the notebooks in examples/
            "ipykernel>=6.29,<8",
            "playwright>=1.50,<2",  # drives a Chromium that looks at that page
            "safetensors>=0.4.3,<1",
            *EXPLORE,
            *HUB,
            *RAY,
            *ONNX,
            *LITERT,
            *OPENVINO,
            *SERVING,
        ],
    },
)
