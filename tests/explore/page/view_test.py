"""What the page shows of a GAN, and the lines of Python that it gives for it."""

import json
import os
import runpy
import time

import numpy as np
import pytest
from conftest import coded_gan, quarters_gan, small_gan
from PIL import Image

import kerasgan
from kerasgan.explore.page import elements
from kerasgan.explore.page.view import Choice, View


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_gan().save("small.keras")
    return View("small.keras")


@pytest.fixture
def quarters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quarters_gan(names=("a", "b c", "d", "é")).save("quarters.keras")
    return View("quarters.keras")


def written(lines, tmp_path, name="sample.png"):
    (tmp_path / "lines.py").write_text(lines, encoding="utf-8")
    runpy.run_path(str(tmp_path / "lines.py"))
    return (tmp_path / name).read_bytes()


def assert_same_picture(view, choice, tmp_path):
    drawn = elements.uri_of(view.draw(choice), view.enlarge)
    assert elements.data_uri(written(view.lines_of(choice), tmp_path), "image/png") == drawn


def test_a_seed_is_what_generate_draws(small):
    np.testing.assert_array_equal(small.draw(Choice(seed=7)), small.gan.generate(seeds=[7])[0])
    assert small.name == "small"


def test_psi_takes_the_noise_nearer_to_its_mean(small):
    z = small.gan.draw_latents(seeds=[3])
    np.testing.assert_allclose(small.latent_of(Choice(seed=3, psi=0.25)), 0.25 * z, rtol=1e-6)
    [(seed, label, image)] = small.samples(3, 1, None, 0.25)
    assert (seed, label) == (3, "")
    np.testing.assert_allclose(image, small.draw(Choice(seed=3, psi=0.25)), atol=1e-6)


def test_directions_are_gone_along(small):
    ways = kerasgan.explore.directions(small.gan, 4)
    expected = small.gan.draw_latents(seeds=[3]) + 1.5 * ways[1] - 2.0 * ways[3]
    found = small.latent_of(Choice(seed=3, amounts=(0.0, 1.5, 0.0, -2.0)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_lines_make_the_same_picture(small, tmp_path):
    choice = Choice(seed=12, psi=0.7, amounts=(0.0, 1.3, 0.0, -0.4))
    assert_same_picture(small, choice, tmp_path)
    assert_same_picture(small, Choice(seed=2**40), tmp_path)


def test_lines_of_a_class_make_the_same_picture(quarters, tmp_path):
    for label in ("b c", "é"):
        choice = quarters.choice_of(4, label)
        assert choice == Choice(seed=4, label=label)
        assert_same_picture(quarters, choice, tmp_path)
    # The brightest quarter is that of the label, "b c" the second.
    image = quarters.draw(quarters.choice_of(4, "b c"))
    means = image.reshape(2, 4, 2, 4).mean(axis=(1, 3)).ravel()
    assert means.argmax() == 1


def test_without_a_class_it_is_that_of_the_seed(quarters):
    drawn = quarters.samples(0, 8, None, 1.0)
    labels = quarters.gan.draw_latents(8)[:, 2:].argmax(axis=1)
    assert [label for _, label, _ in drawn] == [quarters.gan.class_names[i] for i in labels]
    assert {label for _, label, _ in quarters.samples(0, 8, "d", 1.0)} == {"d"}
    assert quarters.choice_of(5).label == drawn[5][1]


def test_codes_are_those_of_the_seed_until_they_are_changed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    view = View("infogan_fashion_mnist")
    assert (view.can_truncate, view.categorical, view.continuous) == (False, (10,), 2)
    begin = view.choice_of(9)
    z = view.gan.draw_latents(seeds=[9])[0, view.noise :]
    assert begin.categorical == (int(z[:10].argmax()),)
    np.testing.assert_allclose(begin.continuous, z[10:], atol=0.005)
    other = Choice(seed=9, categorical=(3,), continuous=(0.5, -1.0), amounts=(3.0,))
    np.testing.assert_array_equal(view.latent_of(other)[0, view.noise :], [*np.eye(10)[3], 0.5, -1.0])
    assert np.abs(view.latent_of(other)[0, : view.noise]).max() <= 1.0  # within its cube
    assert_same_picture(view, other, tmp_path)


def test_a_picture_is_found_and_changed(quarters, tmp_path):
    image = quarters.draw(quarters.choice_of(11, "d"))
    choice, error = quarters.find(image, None)
    assert error < 1e-3
    assert choice.label == "d"
    changed = Choice(z=choice.z, label="a", psi=0.5)
    z = quarters.latent_of(changed)
    np.testing.assert_allclose(z[0, :2], 0.5 * np.float32(choice.z[:2]), rtol=1e-6)
    assert z[0, 2:].tolist() == [1, 0, 0, 0]
    assert_same_picture(quarters, changed, tmp_path)


def test_a_way_and_its_film(quarters, tmp_path):
    seeds, labels = (3, 8), ("a", "d")
    ends = quarters.gan.generate(seeds=seeds, labels=labels)
    np.testing.assert_array_equal(quarters.between(seeds, labels, 0.0), ends[0])
    np.testing.assert_array_equal(quarters.between(seeds, labels, 1.0), ends[1])
    middle = elements.uri_of(quarters.between(seeds, labels, 0.3), quarters.enlarge)
    lines = quarters.lines_between(seeds, labels, 0.3)
    assert elements.data_uri(written(lines, tmp_path), "image/png") == middle
    quarters.film(seeds, labels, tmp_path / "film.gif")
    assert written(quarters.lines_of_film(seeds, labels), tmp_path, "way.gif") == (tmp_path / "film.gif").read_bytes()
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.n_frames, film.size) == (60, (256, 256))


def test_a_run_that_goes_on_has_newer_weights(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text(json.dumps({}))
    small_gan(seed=0).save(run / "best.keras")
    view = View(str(run))
    assert view.folder == run
    assert not view.renew()
    before = view.draw(Choice())
    small_gan(seed=1).save(tmp_path / "other.keras")
    (run / "best.keras").write_bytes(b"half of a file")
    os.utime(run / "best.keras", (time.time() + 5,) * 2)
    assert not view.renew()  # it stays as it was
    np.testing.assert_array_equal(view.draw(Choice()), before)
    os.replace(tmp_path / "other.keras", run / "best.keras")
    assert view.renew()
    np.testing.assert_array_equal(view.draw(Choice()), small_gan(seed=1).generate(1)[0])
    assert not view.renew()


def test_a_preset_is_no_run():
    assert View("vanilla_gan_fashion_mnist").folder is None


def test_what_is_no_image_is_refused(tmp_path):
    coded_gan().save(tmp_path / "points.keras")
    with pytest.raises(ValueError, match=r"shows images; the samples of .*points.keras are none: \(7,\)\."):
        View(str(tmp_path / "points.keras"))
