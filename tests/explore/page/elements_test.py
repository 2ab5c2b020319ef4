"""The page's own HTML, and pictures that a browser sends."""

import base64
import html.parser
import io

import numpy as np
import pytest
from PIL import Image

from kerasgan.explore.page import elements


def as_sent(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=kind)
    return elements.data_uri(file.getvalue(), f"image/{kind.lower()}")


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_a_picture_is_read_as_it_was_sent():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    np.testing.assert_allclose(elements.uploaded(as_sent(pixels), (8, 8, 3)), pixels / 255, atol=1e-6)


def test_a_picture_is_cut_and_made_smaller():
    pixels = np.zeros((40, 100), np.uint8)
    pixels[:, 30:70] = 200  # the square in the middle
    found = elements.uploaded(as_sent(pixels), (10, 10, 1))
    assert (found.shape, found.dtype) == ((10, 10, 1), np.float32)
    np.testing.assert_allclose(found[:, 1:-1], 200 / 255, atol=0.02)  # (at its edges the filter looks beyond)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "data:image/png;base64,",
        "data:image/png;base64,bm8gcGljdHVyZQ==",
        "data:image/png;base64,bm8",
        "/etc/passwd",
        "data:text/html,<b>",
        17,
        as_sent(np.zeros((4, 4), np.uint8))[:60],
        as_sent(np.zeros((4, 4), np.uint8), "TIFF"),
    ],
)
def test_what_is_no_picture_is_said_so(sent):
    with pytest.raises(ValueError, match="This file is no picture that can be read; PNG, JPEG"):
        elements.uploaded(sent, (8, 8, 1))


def test_large_files_and_pictures_are_refused():
    with pytest.raises(ValueError, match="larger than 10 MB"):
        elements.uploaded(None, (8, 8, 1))
    content = base64.b64encode(bytes(elements.LARGEST_FILE + 1)).decode()
    with pytest.raises(ValueError, match="larger than 10 MB"):
        elements.uploaded(f"data:image/png;base64,{content}", (8, 8, 1))
    with pytest.raises(ValueError, match="no picture that can be read"):  # 36 million pixels in 35 kB
        elements.uploaded(as_sent(np.zeros((6000, 6000), np.uint8)), (8, 8, 1))


def test_names_cannot_be_html():
    image = np.zeros((4, 4, 1), np.float32)
    name = '"><script>alert(1)</script>'
    tags = Tags(elements.samples([(3, name, image)]) + elements.picture(image, 1, name, f"../{name}")).found
    assert [tag for tag, _ in tags] == ["div", "button", "img", "figure", "img", "figcaption", "a"]
    button, download = tags[1][1], tags[-1][1]["download"]
    assert (button["data-seed"], button["data-label"]) == ("3", name)
    assert "/" not in download


def test_every_sample_says_what_it_is():
    drawn = [(seed, label, np.zeros((4, 4, 3), np.float32)) for seed, label in ((0, ""), (1, "Flags"))]
    tags = Tags(elements.samples(drawn)).found
    said = [attributes["aria-label"] for tag, attributes in tags if tag == "button"]
    assert said == ["Seed 0: change it", "Seed 1, Flags: change it"]
    with Image.open(io.BytesIO(base64.b64decode(tags[2][1]["src"].partition(",")[2]))) as shown:
        assert shown.size == (96, 96)
