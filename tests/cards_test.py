"""Cards say what works: the line to load a preset by, above all."""

import re

from conftest import small_gan

import kerasgan
from kerasgan import cards, presets

FACTS = {
    "name": "mine",
    "model": "dcgan",
    "sample_shape": [8, 8, 1],
    "latent_dim": 4,
    "parameters": {"generator": 1, "discriminator": 2},
    "ema_decay": None,
    "steps": 3,
    "seed": 0,
    "storage": "float32",
    "weights_sha256": "0" * 64,
    "libraries": {"keras": "3"},
}


def test_a_card_loads_shipped_presets_by_name_and_others_by_path():
    assert 'from_preset("path/to/mine")  # the path of this folder' in cards.write(FACTS, picture=False)
    assert 'from_preset("runs/mine")  # the path' in cards.write({**FACTS, "address": "runs/mine"}, picture=False)
    shipped = {**FACTS, "name": "dcgan_fashion_mnist"}
    assert 'from_preset("dcgan_fashion_mnist")  # or the path' in cards.write(shipped, picture=False)


def test_the_line_on_a_card_works(tmp_path, monkeypatch):
    """For whoever puts the path where the card says path/to."""
    card = (presets.save(small_gan(), tmp_path / "mine") / "README.md").read_text()
    [name] = re.findall(r'kerasgan\.GAN\.from_preset\("path/to/(.+?)"\)', card)
    monkeypatch.chdir(tmp_path)
    assert kerasgan.GAN.from_preset(f"./{name}").sample_shape == (8, 8, 1)
