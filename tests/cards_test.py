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


def test_the_card_of_a_conditional_model_says_how_to_ask_for_a_class():
    score = {"value": 0.9, "error": 0.03, "n_real": 0, "n_fake": 100, "features": "judge", "seed": 0}
    distance = {"value": 12.5, "error": None, "n_real": 90, "n_fake": 90, "features": "judge", "seed": 0}
    bag = {"share_asked": 0.25, "accuracy": score, "fcd": distance, "reference": {"accuracy": {**score, "value": 0.95}}}
    facts = {
        **FACTS,
        "classes": ["Sneaker", 'A "new" bag'],
        "scores": {"label_accuracy": score},
        "evaluation": "kerasgan evaluate",
        "class_scores": {"Sneaker": {"share_asked": 0.75, "accuracy": score}, 'A "new" bag': bag},
        "left_out": ["No fcd of Sneaker (3): too few."],
    }
    card = cards.write(facts, picture=True)
    for expected in (
        "![A row of samples for each class, of the seeds 0 to 7](samples.png)",
        'samples = gan.generate(16, labels="A \\"new\\" bag")  # of one class',
        'Its 2 classes: Sneaker, A "new" bag.',
        "| `label_accuracy` | 0.9 ± 0.03 | 0 / 100 | judge | 0 |",
        "| class | asked for | accuracy | real images | n | fcd | training images | n |\n" + "|---" * 8 + "|\n",
        "| Sneaker | 75.0% | 0.9 ± 0.03 |  | 100 |  |  |  |",
        '| A "new" bag | 25.0% | 0.9 ± 0.03 | 0.95 ± 0.03 | 100 | 12.5 |  | 90/90 |',
        "No fcd of Sneaker (3): too few.",
    ):
        assert expected in card
    assert "labels" not in cards.write(FACTS, picture=True)


def test_the_line_on_a_card_works(tmp_path, monkeypatch):
    """For whoever puts the path where the card says path/to."""
    card = (presets.save(small_gan(), tmp_path / "mine") / "README.md").read_text()
    [name] = re.findall(r'kerasgan\.GAN\.from_preset\("path/to/(.+?)"\)', card)
    monkeypatch.chdir(tmp_path)
    assert kerasgan.GAN.from_preset(f"./{name}").sample_shape == (8, 8, 1)
