"""Every example runs, in miniature, and leaves what it says."""

import functools
import importlib.util
import pathlib

import numpy as np
import pytest

import kerasgan

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_gan_1d(tmp_path, capsys):
    load("gan_1d").main(tmp_path, steps=20)
    assert files(tmp_path) == {"gan_1d.png"}
    assert "\n      20 " in capsys.readouterr().out


@pytest.mark.slow
def test_generator_losses(tmp_path, capsys):
    """The table's middle row is computed elsewhere: see `test_gradient_against_the_optimal_discriminator`."""
    load("generator_losses").main(tmp_path, updates=20)
    assert files(tmp_path) == {"generator_losses.png"}
    assert "     1.5        0.464450        1.035550        1.500000" in capsys.readouterr().out


def test_theory(tmp_path, capsys, monkeypatch):
    """V(D*, G) at a distance of 1.5 by quadrature elsewhere, and JSD from its definition: they are the same game."""
    monkeypatch.syspath_prepend(EXAMPLES)
    load("theory").main(tmp_path)
    assert files(tmp_path) == {"best_discriminator.png", "generator_losses.png", "value.png"}
    assert "   1.5   -0.943953         -0.943953  0.221171\n" in capsys.readouterr().out


@pytest.mark.slow
def test_dirac_gan(tmp_path, capsys):
    """The table's factor is sqrt(1 - rate gamma) = sqrt(1 - .2 .3); what is played: see `theory_test.py`."""
    load("dirac_gan").main(tmp_path, updates=120)
    assert files(tmp_path) == {"dirac_gan.png"}
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["minimax,", "r1(.15)", "-0.150", "±", "0.477i", "0.9695"] in [words[:6] for words in lines]


@pytest.mark.slow
def test_two_gaussians(tmp_path, capsys, monkeypatch):
    """What is nearest: for KL(p || q) the data's own mean and deviation, 0 and sqrt(.25 + 1.5^2)."""
    example = load("two_gaussians")
    mean, deviation = example.nearest(example.DIVERGENCES["KL(p | q)"])
    np.testing.assert_allclose((mean, deviation), (0.0, np.sqrt(0.25 + 1.5**2)), atol=1e-3)
    monkeypatch.setattr(example, "STEPS", (1, 2))
    example.main(tmp_path, updates=20)
    assert files(tmp_path) == {"updates.png", "k_steps.png"}
    assert "non_saturating" in capsys.readouterr().out


@pytest.mark.slow
def test_swiss_roll(tmp_path, capsys):
    load("swiss_roll").main(tmp_path, steps=20, frames=2)
    assert {"swiss_roll.gif", "swiss_roll.png"} < files(tmp_path)
    assert "minimax" in capsys.readouterr().out


@pytest.mark.slow
def test_mode_coverage(tmp_path, capsys):
    example = load("mode_coverage")
    example.main(tmp_path, names=["ring"], losses=["kl"], seeds=2, steps=50)
    assert files(tmp_path) == {"ours/ring_kl_0.png", "ours/ring_kl_1.png"}
    assert "modes of 8" in capsys.readouterr().out
    example.main(
        tmp_path, "even", names=["grid"], losses=["relativistic"], seeds=1, steps=50, penalties="r1(.03), r2(.03)"
    )
    assert "even/grid_relativistic_0.png" in files(tmp_path)
    assert "modes of 25" in capsys.readouterr().out
    even = example.build(example.RECIPES["even"], "relativistic", 0, 50, "r1(.03), r2(.04)")
    assert [(type(penalty).__name__, penalty.weight) for penalty in even.penalties] == [("R1", 0.03), ("R2", 0.04)]
    assert even.g_optimizer.beta_1 == 0.0
    published = example.build(example.RECIPES["published"], "minimax", 0, 50)
    generator = 2 * 400 + 3 * 400 * 400 + 4 * 3 * 400 + 400 * 2 + 2  # weights and, per layer, bias, scale and shift
    discriminator = 3 * 1000 + 2 * 201 * 1000 + 201
    assert sum(int(np.prod(w.shape)) for w in published.generator.trainable_weights) == generator
    assert published.discriminator.count_params() == discriminator


@pytest.mark.slow
def test_few_pictures(tmp_path, capsys, fashion_mnist, monkeypatch):
    example = load("few_pictures")
    monkeypatch.setattr(example, "JUDGED", "train[59800:]")
    example.main(tmp_path, games=("none", "adaptive(images=100)"), seconds=0.1, count=128, steps=1)
    assert files(tmp_path) == {"none.png", "adaptive_images_100.png"}
    assert "\nadaptive(images=100)" in capsys.readouterr().out


@pytest.fixture
def few_images(fashion_mnist, monkeypatch):
    """Unpacking all 60,000 takes seconds each time."""
    few = functools.partial(kerasgan.data.load, split="train[:2%]")
    monkeypatch.setattr(kerasgan.data, "load", few)


@pytest.mark.slow
def test_infogan_codes(tmp_path, capsys, few_images, monkeypatch):
    example = load("infogan_codes")
    monkeypatch.setattr(example, "EVERY", 2)
    monkeypatch.setattr(example, "CHECKPOINT", 2)
    monkeypatch.setattr(example, "TEST", "test[:500]")
    example.main(tmp_path, steps=2)
    pictures = {"bound.png", "infogan.png", "plain.png", "code_0.png", "code_1.png"}
    assert pictures < files(tmp_path)
    assert "What the categories became" in capsys.readouterr().out
    before = (tmp_path / "plain" / "history.csv").read_text()
    gan, history = example.train(None, 4, tmp_path / "plain")  # goes on with the loss that it was begun with
    assert type(gan.loss).__name__ == "PlainGAN"
    assert history["step"] == [2, 4]
    assert (tmp_path / "plain" / "history.csv").read_text().startswith(before)


@pytest.mark.slow
def test_ebgan_margin(tmp_path, capsys, few_images, monkeypatch):
    example = load("ebgan_margin")
    monkeypatch.setattr(example, "EVERY", 2)
    monkeypatch.setattr(example, "JUDGED", 64)
    example.main(tmp_path, epochs=1)
    pictures = {"energies.png", "ebgan.png", "ebgan_pt.png", "ebgan_reconstructions.png"}
    assert pictures < files(tmp_path)
    assert "EBGAN-PT" in capsys.readouterr().out
    gan, history = example.train(0.1, 1, tmp_path / "ebgan_pt")
    assert gan.loss.pulling_away_weight == 0.1
    assert history["step"] == [2, 4, 6, 8]


def test_a_training_on_ray(tmp_path, monkeypatch, capsys):
    """What it asks for; the cluster itself is tested in tests/cluster/."""
    from kerasgan import cluster

    example, asked = load("ray/train"), []
    monkeypatch.setattr(
        cluster, "train", lambda *given, **how: asked.append((given, how)) or cluster.training.Outcome(7)
    )
    example.FLAGS(["train.py", f"--output={tmp_path / 'run'}", "--dataset=ring", "--model=vanilla_gan", "--workers=3"])
    example.main(None)
    ((config, output, workers, address), how) = asked[0]
    assert (config.model, config.dataset, config.batch_size) == ("vanilla_gan", "ring", 240)
    assert (output, workers, address) == (str(tmp_path / "run"), (3, 3), "auto")
    assert how == {"resume": False, "checkpoint_steps": 100}
    assert "is at step 7" in capsys.readouterr().out
