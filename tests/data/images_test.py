"""Images to size: crops, antialiasing, grey and RGB."""

import numpy as np
from PIL import Image

from kerasgan import data


def test_centre_crop():
    image = np.zeros((4, 10, 1), np.uint8)
    image[:, 3:7] = 200
    np.testing.assert_array_equal(data.fit_image(image, (4, 4, 1)), np.full((4, 4, 1), 200))
    np.testing.assert_array_equal(data.fit_image(image.transpose(1, 0, 2), (4, 4, 1)), np.full((4, 4, 1), 200))


def test_shrinking_does_not_alias():
    """A one-pixel checkerboard shrunk eightfold is grey; picking pixels would make it black or white."""
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None]
    small = data.fit_image(board, (8, 8, 1))
    assert np.abs(small.astype(int) - 128).max() <= 2
    as_float = data.fit_image(board.astype(np.float32) / 255, (8, 8, 1))
    np.testing.assert_allclose(as_float, 0.5, atol=0.01)
    assert as_float.dtype == np.float32


def test_grey_and_rgb():
    colour = np.zeros((2, 2, 3), np.uint8)
    colour[..., 0], colour[..., 1], colour[..., 2] = 10, 100, 200
    luma = round(0.299 * 10 + 0.587 * 100 + 0.114 * 200)
    np.testing.assert_array_equal(data.fit_image(colour, (2, 2, 1)), np.full((2, 2, 1), luma))
    pillow = np.asarray(Image.fromarray(colour).convert("L"))
    assert np.abs(pillow.astype(int) - luma).max() <= 1
    grey = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
    np.testing.assert_array_equal(data.fit_image(grey, (2, 2, 3)), np.repeat(grey, 3, 2))
