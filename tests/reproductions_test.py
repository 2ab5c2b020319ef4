"""The rows of docs/reproductions.md: what is measured, kept and printed. Trainings themselves are not run here."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "reproductions.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import reproductions

    return reproductions


@pytest.fixture
def row(script):
    """A row whose scores are its seed's square, and which fails once where its folder says so."""
    papers = script.papers

    def measure(seed, folder):
        if (folder.parent / f"fails_{seed}").exists():
            (folder.parent / f"fails_{seed}").unlink()
            raise KeyboardInterrupt
        return {"square": float(seed**2), "even": float(seed % 2 == 0)}

    figures = (
        papers.Figure("square", "square of the seed", "7 ± 1", "Table 9"),
        papers.Figure("square", "the same: median", "-", "not in it", "median", digits=2),
        papers.Figure("square", "the same: largest", "-", "not in it", "highest", digits=0),
        papers.Figure("even", "even seeds", "-", "not in it", "count"),
    )
    return papers.Row("squares", "Nobody 2000", "squares", figures, measure, seeds=4, minutes=30)


def test_figures_over_seeds(script, row, tmp_path):
    results = script.measure(row, 4, tmp_path / "trainings", tmp_path)
    # 0, 1, 4, 9: mean 3.5, standard deviation 4.0415 (n - 1), by hand; over the root of 4 it is 2.02
    values = [script.value_of(figure, results) for figure in row.figures]
    assert values == ["3.5 ± 2.0", "2.50", "9", "2 of 4"]
    assert script.seeds_of(row, results) == "4"
    assert script.value_of(row.figures[0], {}) == "not measured"
    assert script.value_of(row.figures[0], {"0": {"scores": {"square": 2.0}}}) == "2.0"
    with pytest.raises(ValueError, match="results without 'square', square of the seed"):
        script.value_of(row.figures[0], {"0": {"scores": {"cube": 8.0}}})


def test_a_row_that_was_cut_goes_on(script, row, tmp_path):
    (tmp_path / "squares").mkdir()
    (tmp_path / "squares" / "fails_2").touch()
    with pytest.raises(KeyboardInterrupt):
        script.measure(row, 4, tmp_path, tmp_path)
    kept = script.read(row, tmp_path)
    assert list(kept) == ["0", "1"]
    assert script.seeds_of(row, kept) == "2 of 4"
    assert (
        json.loads((tmp_path / "squares.json").read_text())["command"] == "python benchmarks/reproductions.py squares"
    )
    kept["0"]["scores"]["square"] = 100.0  # a seed that is there is not measured again
    script.write(row, kept, tmp_path)
    results = script.measure(row, 4, tmp_path, tmp_path)
    assert [results[seed]["scores"]["square"] for seed in results] == [100, 1, 4, 9]
    assert {"kerasgan", "tensorflow"} <= set(results["3"]["versions"])


def test_minutes_of_a_killed_sitting_count(script, row, tmp_path):
    """Nothing of ours is written at a kill, but the training's own clock is: 600 s and 300 s are 15 minutes."""
    for name, seconds in (("a", 600), ("b", 300)):
        (tmp_path / "squares" / "1" / name).mkdir(parents=True)
        (tmp_path / "squares" / "1" / name / "time.json").write_text(json.dumps({"seconds": seconds, "cores": 2}))
    results = script.measure(row, 2, tmp_path, tmp_path)
    assert [results[seed]["minutes"] for seed in results] == [0.0, 15.0]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 0, "row": "squares", "seeds": {}}', '{"format": 1, "seeds": {}}']
)
def test_results_of_another_version(script, row, tmp_path, content):
    (tmp_path / "squares.json").write_text(content)
    with pytest.raises(ValueError, match=r"is no file of results of format 1: found .* Move it away to measure anew"):
        script.read(row, tmp_path)


def test_tables(script, row, tmp_path):
    import dataclasses

    results = script.measure(row, 2, tmp_path / "trainings", tmp_path)
    for one in results.values():
        one["minutes"] = 90.0
    table = script.table_of(row, results)
    assert "| square of the seed | 7 ± 1 | Table 9 | 0.5 ± 0.5 | 2 of 4 |" in table
    assert "`python benchmarks/reproductions.py squares`, 3.0 hours." in table
    other = dataclasses.replace(
        row,
        name="others",
        what="others",
        figures=tuple(dataclasses.replace(figure, published="-") for figure in row.figures),
    )
    together = script.line_each([(row, results), (other, {})])
    assert "| *published: Table 9* | 7 ± 1 | - | - | - | |" in together
    assert "| squares: `squares`, 3.0 hours | 0.5 ± 0.5 | 0.50 | 1 | 1 of 2 | 2 of 4 |" in together
    assert "| others: `others` | not measured | not measured | not measured | not measured | 0 of 4 |" in together
    assert "`python benchmarks/reproductions.py squares others`" in together


def test_the_page_says_what_the_results_say(script, tmp_path):
    copy = tmp_path / "page.md"
    copy.write_text(script.PAGE.read_text())
    script.write_page(ROOT / "docs" / "reproductions", copy)
    assert copy.read_text() == script.PAGE.read_text()


def test_rows_are_told_apart_and_say_where_figures_are_from(script):
    rows = script.papers.rows()
    assert len({row.name for row in rows.values()}) == sum(
        len(__import__(f"papers.{module}", fromlist=["ROWS"]).ROWS) for module in script.papers.MODULES
    )
    for row in rows.values():
        assert row.figures
        assert row.seeds > 0
        assert all(figure.source for figure in row.figures)
        if row.draw is not None:
            assert row.draw.__doc__


def test_other_settings_are_those_of_the_run(script):
    """A run takes its batches and epochs from beside the recipe."""
    config = script.papers.with_seed("infogan_mnist", 7, batch_size=64, epochs=2, leak=0.1)
    assert (config.batch_size, config.epochs, config.recipe["seed"], config.recipe["leak"]) == (64, 2, 7, 0.1)
    assert (config.recipe["batch_size"], config.recipe["epochs"]) == (64, 2)
    config = script.papers.with_seed("infogan_mnist", 0, dataset="fashion_mnist")
    assert config.dataset == "fashion_mnist"
    assert "dataset" not in config.recipe


def test_the_linear_machine(script):
    """Of -1 and 1 by hand: w^2 / 2 + 2 C (1 - w)^2 is least at w = 4 C / (1 + 4 C), b = 0. A feature that is moved
    moves b alone.
    """
    from papers import dcgan

    x = np.array([[-1.0], [1.0]], np.float32)
    for penalty in (0.1, 1.0):
        w, b = dcgan.linear_machine(x, np.array([0, 1]), penalty)
        right = 4 * penalty / (1 + 4 * penalty)
        np.testing.assert_allclose(w, [[-right, right]], atol=1e-3)
        np.testing.assert_allclose(b, [0, 0], atol=1e-3)
        w, b = dcgan.linear_machine(x + 3, np.array([0, 1]), penalty)
        np.testing.assert_allclose(w, [[-right, right]], atol=1e-3)
        np.testing.assert_allclose(b, [3 * right, -3 * right], atol=3e-3)


def test_stacked_digits(script, mnist_digits):
    """Of real digits the classifier errs on one in a hundred: three of them are right in .97 and more."""
    from papers import pacgan

    from kerasgan import data

    images, labels, _ = data.load_labelled_array(mnist_digits, "test")
    stacked = pacgan.stack(images, 600, seed=0)
    chosen = np.random.default_rng(0).integers(0, 10_000, (600, 3))
    assert stacked.shape == (600, 28, 28, 3)
    np.testing.assert_array_equal(stacked[5, :, :, 2], images[chosen[5, 2], :, :, 0])
    numbers = labels[chosen] @ [100, 10, 1]
    found = pacgan.stacked_modes(stacked / 255.0)
    assert abs(found["modes"] - len(set(numbers.tolist()))) < 20
    same = pacgan.stacked_modes(np.repeat(stacked[:1] / 255.0, 10, axis=0))
    assert same == {"modes": 1.0, "kl": pytest.approx(np.log(1000))}


def test_mixed_infogan_normalises_real_and_generated_images_together(script, monkeypatch):
    import keras
    import tensorflow as tf

    import kerasgan
    from kerasgan import registry
    from kerasgan.gan import TRAINING

    kerasgan.list_models()  # finds the zoo, so that what follows is all that another module adds
    monkeypatch.setattr(registry, "_families", dict(registry._families))
    from papers import infogan_mixed  # noqa: F401  registers a model

    gan = kerasgan.create_model("infogan_mixed", image_shape=(28, 28, 1), width=4)
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.0), loss=gan.loss, run_eagerly=True)
    real = tf.random.stateless_uniform((8, 28, 28, 1), (0, 0))
    # By hand: one pass of D over both kinds, and a step down the slope.
    discriminator = keras.models.clone_model(gan.discriminator)
    discriminator.set_weights(gan.discriminator.get_weights())
    z = gan._noise(real, TRAINING, 0, 0)
    fake = gan.generator(z, training=True)
    with tf.GradientTape() as tape:
        outputs = discriminator(tf.concat([real, fake], axis=0), training=True)
        halves = [tf.nest.map_structure(lambda x, rows=rows: x[rows], outputs) for rows in (slice(8), slice(8, 16))]
        loss = tf.reduce_mean(gan.loss.discriminator_loss(*halves, z, gan.latent))
    weights = discriminator.trainable_variables
    gradients = tape.gradient(loss, [w.value for w in weights])
    expected = [w.numpy() - 0.1 * gradient.numpy() for w, gradient in zip(weights, gradients, strict=True)]
    gan.train_on_batch(real)
    for ours, by_hand in zip(gan.discriminator.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), by_hand, rtol=1e-4, atol=1e-6)


def test_a_row_measured_elsewhere_keeps_its_picture(tmp_path):
    picture = ROOT / "docs" / "reproductions" / "ring_best.png"
    before = picture.read_bytes()
    arguments = [sys.executable, str(SCRIPT), "ring_best", f"--folder={tmp_path}"]
    run = subprocess.run(arguments, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "measured elsewhere; another --results=FOLDER measures them anew" in run.stdout
    assert "seeds that find all: 10 of 10" in run.stdout
    assert picture.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gan_parzem",), "There is no row 'gan_parzem'; there are gan_parzen, .* Did you mean 'gan_parzen'"),
        ((), r"Name a row \(gan_parzen, .*\), or give --all or --page"),
        (("gan_parzen", "--seeds=0"), "--seeds must be at least 1; found 0"),
    ],
)
def test_what_can_be_wrong(arguments, message):
    import re

    run = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True)
    assert run.returncode == 1
    assert re.search(message, run.stderr), run.stderr
    assert "Traceback" not in run.stderr
