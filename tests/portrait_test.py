"""What a GAN shows of itself."""

import base64
import html.parser
import io
import re

import numpy as np
import pytest
from PIL import Image

from kerasgan import create_model, plots

SMALL = {"image_shape": (32, 32, 1), "generator_width": 4, "discriminator_width": 4}


def test_a_picture_of_samples():
    gan = create_model("dcgan", **SMALL)
    picture = gan.show(4, seed=3)
    expected = plots.grid(gan.generate(4, seed=3), enlarge=2)
    np.testing.assert_array_equal(np.asarray(picture), expected[..., 0])
    assert picture._repr_png_()  # what a notebook asks for


def test_a_row_for_each_class_or_those_asked_for():
    gan = create_model("dcgan", classes=("cat", "dog"), **SMALL)
    rows = gan.show(6)
    np.testing.assert_array_equal(np.asarray(rows), plots.by_class(gan, each=3, enlarge=2)[..., 0])
    dogs = gan.show(4, labels="dog")
    np.testing.assert_array_equal(np.asarray(dogs), plots.grid(gan.generate(4, labels="dog"), enlarge=2)[..., 0])
    with pytest.raises(ValueError, match="There is no class 'dgo'"):
        gan.show(4, labels="dgo")


def test_points_are_plotted_and_long_vectors_have_no_picture():
    points = create_model("vanilla_gan", image_shape=(2,), generator_units=4, discriminator_units=2)
    assert points.show(100).size == (400, 400)
    vectors = create_model("vanilla_gan", image_shape=(7,), generator_units=4, discriminator_units=2)
    with pytest.raises(ValueError, match=r"^Samples of shape \(7,\) have no picture; generate gives them"):
        vectors.show()
    assert "img" not in vectors._repr_html_()


def test_a_line_says_what_it_is():
    gan = create_model("dcgan", classes=("cat", "dog"), ema_decay=0.9, **SMALL)
    generator, discriminator = gan.generator.count_params(), gan.discriminator.count_params()
    assert repr(gan) == (
        f"<GAN dcgan: images 32x32x1; latent Labelled, 102 numbers; generator {generator:,} parameters; "
        f"discriminator {discriminator:,} parameters; classes 2 (cat, dog); average 0.9; loss NonSaturating; steps 0>"
    )


def test_a_notebook_shows_picture_and_parameters():
    gan = create_model("dcgan", classes=("<b>cat</b>", "dog"), **SMALL)
    shown = gan._repr_html_()
    tags = []
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed(shown)
    assert tags.count("img") == 1
    assert "b" not in tags  # names are texts, whatever they hold
    assert not re.findall(r"https?://", shown)
    data = re.search(r"src='data:image/png;base64,([^']+)'", shown)[1]
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(gan.show(8)))
