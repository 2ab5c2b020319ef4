"""A folder of pictures by PyTorch's DataLoader, for `reading.py`.

The dataset is what torchvision's `ImageFolder` with `Resize` does: lists at the start, opens with Pillow, resizes
bilinearly.
"""

import pathlib

import numpy as np
import torch
from memory import cost_of_reading
from PIL import Image


class Pictures(torch.utils.data.Dataset):
    """float32 `[C, H, W]` in [-1, 1] of each picture below a folder."""

    def __init__(self, folder, side):
        self._paths = sorted(str(path) for path in pathlib.Path(folder).rglob("*.jpg"))
        self._side = side

    def __len__(self):
        return len(self._paths)

    def __getitem__(self, index):
        with Image.open(self._paths[index]) as image:
            image = image.convert("RGB").resize((self._side, self._side), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.asarray(image).transpose(2, 0, 1) / np.float32(127.5) - np.float32(1.0))


def contestants(folder, side, batch, batches, workers):
    """`{"read": function}`, which gives the seconds to the first batch, images per second after it, and the megabytes
    that this process and its workers have grown by.
    """

    def open_batches():
        return torch.utils.data.DataLoader(Pictures(folder, side), batch, shuffle=True, num_workers=workers)

    return {"read": lambda: cost_of_reading(open_batches, batch, batches)}
