"""What a PyTorch user would take: the networks and recipe of PyTorch's own DCGAN example, cut to 28x28 images.

The example makes 64x64 images with four doublings of a 4x4 map. Here two doublings of a 7x7 map remain, with its 4x4
kernels, its width of 64 at the last map, its initial weights, Adam 2e-4 with beta_1 .5, batches of 128, real and
generated images passed through D separately, binary cross-entropy, and the non-saturating loss. The generator's
weights are kept after every epoch; a run that was cut goes on from there. `quality.py` trains and scores it.
"""

import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm
from turns import timed_steps

LATENT, WIDTH, BATCH = 100, 64, 128


def generator():
    return nn.Sequential(
        nn.ConvTranspose2d(LATENT, 2 * WIDTH, 7, bias=False),
        nn.BatchNorm2d(2 * WIDTH),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(WIDTH),
        nn.ReLU(),
        nn.ConvTranspose2d(WIDTH, 1, 4, stride=2, padding=1, bias=False),
        nn.Tanh(),
    )


def discriminator():
    return nn.Sequential(
        nn.Conv2d(1, WIDTH, 4, stride=2, padding=1, bias=False),
        nn.LeakyReLU(0.2),
        nn.Conv2d(WIDTH, 2 * WIDTH, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(2 * WIDTH),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * WIDTH, 1, 7, bias=False),
        nn.Flatten(),
    )


def _initialise(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def players():
    """The networks and their optimizers."""
    g, d = generator().apply(_initialise), discriminator().apply(_initialise)
    return {
        "g": g,
        "d": d,
        "g_optimizer": torch.optim.Adam(g.parameters(), 2e-4, betas=(0.5, 0.999)),
        "d_optimizer": torch.optim.Adam(d.parameters(), 2e-4, betas=(0.5, 0.999)),
    }


def _real(rows):
    """uint8 `[B, 28, 28, 1]` -> float32 `[B, 1, 28, 28]` in [-1, 1]."""
    return torch.from_numpy(rows.transpose(0, 3, 1, 2)).float() / 127.5 - 1.0


def train(images, folder, epochs, seed):
    """Trains on uint8 `[N, 28, 28, 1]`; leaves `epoch-<n>.pt` (the generator) in a folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    both = players()
    state, start = folder / "state.pt", 0
    if state.is_file():
        saved = torch.load(state, weights_only=True)
        for name, player in both.items():
            player.load_state_dict(saved[name])
        torch.set_rng_state(saved["rng"])
        start = saved["epoch"]
    for epoch in range(start, epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(images))
        for i in tqdm(range(len(images) // BATCH), desc=f"epoch {epoch + 1}/{epochs}", unit="step", mininterval=5.0):
            rows = images[order[i * BATCH : (i + 1) * BATCH]]
            step(both, _real(rows))
        torch.save({"generator": both["g"].state_dict()}, folder / f"epoch-{epoch + 1:02d}.pt")
        saved = {name: player.state_dict() for name, player in both.items()}
        temporary = state.with_suffix(".part")
        torch.save({**saved, "rng": torch.get_rng_state(), "epoch": epoch + 1}, temporary)
        temporary.replace(state)


def contestants(images) -> dict:
    """What `quality.py` asks for; `images` uint8 `[B, 28, 28, 1]` are those that timed steps take."""
    torch.manual_seed(0)
    both, real = players(), _real(images)
    return {"steps": timed_steps(lambda: step(both, real)), "train": train, "draw": draw}


def step(both, real):
    """One update of D and one of G on images `[B, 1, 28, 28]` in [-1, 1]."""
    g, d = both["g"], both["d"]
    fake = g(torch.randn(len(real), LATENT, 1, 1))
    on_real, on_fake = d(real), d(fake.detach())
    ones, zeros = torch.ones_like(on_real), torch.zeros_like(on_fake)
    cross_entropy = functional.binary_cross_entropy_with_logits
    both["d_optimizer"].zero_grad()
    (cross_entropy(on_real, ones) + cross_entropy(on_fake, zeros)).backward()
    both["d_optimizer"].step()
    both["g_optimizer"].zero_grad()
    cross_entropy(d(fake), ones).backward()
    both["g_optimizer"].step()


@torch.no_grad()
def draw(path, n, seed, batch_statistics=True):
    """Images float32 `[n, 28, 28, 1]` in [0, 1] of the generator kept in a file.

    The example draws with the batch's own statistics, as it never calls `eval()`; False takes the moving ones.
    """
    saved = torch.load(path, weights_only=True)
    g = generator()
    g.load_state_dict(saved["generator"])
    g.train(batch_statistics)
    torch.manual_seed(seed)
    parts = [g(torch.randn(min(BATCH, n - i), LATENT, 1, 1)) for i in range(0, n, BATCH)]
    return ((torch.cat(parts) + 1.0) / 2.0).permute(0, 2, 3, 1).numpy()
