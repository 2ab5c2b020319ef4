"""Weights from PyTorch in the zoo's networks.

The fixtures hold small networks of PyTorch's DCGAN example and of R3GAN's reference code with random weights, and what
PyTorch 2.15 computed with them on a CPU, in evaluation mode.
"""

import pathlib
import pickle

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import kerasgan
from kerasgan import cli, interchange

HERE = pathlib.Path(__file__).parent


def files(name):
    return HERE / f"{name}_generator.safetensors", HERE / f"{name}_discriminator.safetensors"


def test_dcgan_draws_and_judges_what_pytorch_did():
    gan = interchange.read(*files("dcgan"))
    assert gan.sample_shape == (64, 64, 3)
    with np.load(HERE / "dcgan.npz") as seen:
        np.testing.assert_allclose(gan.predict(seen["z"], verbose=0), seen["images"], atol=1e-4)
        logits = gan.discriminator.predict(seen["images"], verbose=0)[:, 0]
        np.testing.assert_allclose(1 / (1 + np.exp(-logits)), seen["probabilities"], rtol=1e-4)


def test_r3gan_draws_and_judges_what_pytorch_did():
    gan = interchange.read(*files("r3gan"), classes=("cat", "dog", "fox"))
    assert (gan.sample_shape, gan.class_names) == ((32, 32, 3), ("cat", "dog", "fox"))
    with np.load(HERE / "r3gan.npz") as seen:
        np.testing.assert_allclose(gan.predict(seen["z"], verbose=0), seen["images"], atol=1e-4)
        logits = gan.discriminator.predict(seen["images"], verbose=0)
        np.testing.assert_allclose(logits[np.arange(3), seen["labels"]], seen["logits"], atol=1e-4)


@pytest.mark.parametrize("name", ["dcgan", "r3gan"])
def test_a_generator_alone_will_do(name):
    gan = interchange.read(files(name)[0])
    whole = interchange.read(*files(name))
    np.testing.assert_array_equal(gan.generate(2), whole.generate(2))
    assert [w.shape for w in gan.discriminator.weights] == [w.shape for w in whole.discriminator.weights]


def test_what_came_can_be_trained():
    gan = interchange.read(*files("dcgan"))
    before = gan.get_weights()
    images = np.random.default_rng(0).uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
    assert np.isfinite(gan.fit(images, batch_size=4, verbose=0).history["d_loss"]).all()
    assert any((a != b).any() for a, b in zip(before, gan.get_weights(), strict=True))


def test_the_command(capsys, tmp_path):
    generator, discriminator = files("dcgan")
    output = tmp_path / "faces"
    arguments = [f"--generator={generator}", f"--discriminator={discriminator}", f"--output={output}", "--licence=MIT"]
    assert cli.main(["import", *arguments]) == 0
    gan = kerasgan.GAN.from_preset(output)
    with np.load(HERE / "dcgan.npz") as seen:
        np.testing.assert_allclose(gan.predict(seen["z"], verbose=0), seen["images"], atol=1e-4)
    card = (output / "README.md").read_text()
    assert "dcgan_generator.safetensors" in card
    assert str(HERE) not in card
    capsys.readouterr()
    assert cli.main(["import", *arguments]) == 1
    assert "is a preset already" in capsys.readouterr().err


def test_what_torch_saved(tmp_path):
    torch = pytest.importorskip("torch")
    both = {
        "epoch": 7,
        "netG": {name: torch.from_numpy(value) for name, value in load_file(files("dcgan")[0]).items()},
        "netD": {name: torch.from_numpy(value) for name, value in load_file(files("dcgan")[1]).items()},
    }
    torch.save(both, tmp_path / "both.pt")
    gan = interchange.read(tmp_path / "both.pt", tmp_path / "both.pt")
    expected = interchange.read(*files("dcgan"))
    for ours, theirs in zip(gan.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(ValueError, match="code from a file is never run"):
        interchange.read(tmp_path / "module.pt")


def changed(tmp_path, name, change):
    state = load_file(files(name)[0])
    change(state)
    save_file({key: np.ascontiguousarray(value) for key, value in state.items()}, tmp_path / "changed.safetensors")
    return tmp_path / "changed.safetensors"


WRONG = [
    (
        "dcgan",
        lambda s: s.update({"main.6.weight": s["main.6.weight"][:, :, :3, :3]}),
        "main.6.weight is 3 x 3 x 8 x 16",
    ),
    ("dcgan", lambda s: s.pop("main.7.running_var"), "lacks main.7.running_var"),
    ("dcgan", lambda s: s.update({"main.0.bias": np.zeros(32, np.float32)}), "besides main.0.bias"),
    ("dcgan", lambda s: (s.clear(), s.update(conv1=np.zeros((2, 2), np.float32))), "is nothing that kerasgan knows"),
    ("r3gan", lambda s: s.pop("Model.MainLayers.1.Layers.1.NonLinearity2.Bias"), "MainLayers.1.Layers.1.NonLinearity2"),
    ("r3gan", lambda s: s.update(extra=np.zeros(3, np.float32)), "besides extra"),
]


@pytest.mark.parametrize(("name", "change", "says"), WRONG, ids=[says for *_, says in WRONG])
def test_of_another_architecture_it_says_which_layer(tmp_path, name, change, says):
    with pytest.raises(ValueError, match=r"kerasgan|lacks") as caught:
        interchange.read(changed(tmp_path, name, change))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_of_tensors(tmp_path):
    (tmp_path / "network.pkl").write_bytes(pickle.dumps({"a": 1}))
    whole = files("dcgan")[0].read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    save_file({}, tmp_path / "empty.safetensors")
    for file, says in (
        ("none.pt", "There is no file"),
        ("network.pkl", "is a pickle, which can run code"),
        ("cut.safetensors", "Cannot read"),
        ("empty.safetensors", "holds no tensors"),
    ):
        with pytest.raises(ValueError, match=says) as caught:
            interchange.read(tmp_path / file)
        assert "\n" not in str(caught.value)


def test_classes_that_there_are_not():
    with pytest.raises(ValueError, match="has 3 classes; found 2 names"):
        interchange.read(files("r3gan")[0], classes=("cat", "dog"))
    with pytest.raises(ValueError, match="has no classes; found 2 names"):
        interchange.read(files("dcgan")[0], classes=("cat", "dog"))
    with pytest.raises(ValueError, match="nothing that kerasgan knows"):
        interchange.read(files("dcgan")[0], files("r3gan")[1])
