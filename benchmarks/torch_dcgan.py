"""What a PyTorch user would take: the networks and recipe of PyTorch's own DCGAN example, for 28x28 or 64x64 images.

At 64x64 it is the example's network: four doublings of a 4x4 map. Its width is a flag there, and so it is here. For
28x28 images two doublings of a 7x7 map remain. Either way with its 4x4 kernels, its initial weights, Adam 2e-4 with
beta_1 .5, real and generated images passed through D separately, binary cross-entropy, and the non-saturating loss.

`quality.py` trains and scores it: by epochs (`contestants`: the generator's weights are kept after every epoch), or by
seconds (`by_seconds`). A run that was cut goes on from there.
"""

import pathlib

import numpy as np
import torch
from clock import Clock
from torch import nn
from torch.nn import functional
from tqdm import tqdm
from turns import timed_steps

LATENT, WIDTH, BATCH = 100, 64, 128
SHAPE = (28, 28, 1)


def _smallest_map(shape):
    """Its side, and how often it is doubled."""
    side, doublings = shape[0], 0
    while side % 2 == 0 and side > 7:
        side, doublings = side // 2, doublings + 1
    return side, doublings


def generator(shape=SHAPE, width=WIDTH):
    """`[B, 100, 1, 1]` -> images `[B, C, H, W]` in [-1, 1]; `width` channels before the last doubling."""
    side, doublings = _smallest_map(shape)
    channels = width * 2 ** (doublings - 1)
    layers = [nn.ConvTranspose2d(LATENT, channels, side, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
    while channels > width:
        channels //= 2
        layers.append(nn.ConvTranspose2d(2 * channels, channels, 4, stride=2, padding=1, bias=False))
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
    layers += [nn.ConvTranspose2d(width, shape[2], 4, stride=2, padding=1, bias=False), nn.Tanh()]
    return nn.Sequential(*layers)


def discriminator(shape=SHAPE, width=WIDTH):
    """Images `[B, C, H, W]` -> logits `[B, 1]`; `width` channels after the first halving."""
    side, doublings = _smallest_map(shape)
    layers = [nn.Conv2d(shape[2], width, 4, stride=2, padding=1, bias=False), nn.LeakyReLU(0.2)]
    for _ in range(doublings - 1):
        layers.append(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False))
        width *= 2
        layers += [nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(width, 1, side, bias=False), nn.Flatten())


def _initialise(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def players(shape=SHAPE, width=WIDTH):
    """The networks and their optimizers."""
    g, d = generator(shape, width).apply(_initialise), discriminator(shape, width).apply(_initialise)
    return {
        "g": g,
        "d": d,
        "g_optimizer": torch.optim.Adam(g.parameters(), 2e-4, betas=(0.5, 0.999)),
        "d_optimizer": torch.optim.Adam(d.parameters(), 2e-4, betas=(0.5, 0.999)),
    }


def _real(rows):
    """uint8 `[B, H, W, C]` -> float32 `[B, C, H, W]` in [-1, 1]."""
    return torch.from_numpy(rows.transpose(0, 3, 1, 2)).float() / 127.5 - 1.0


def _restore(both, state):
    """Brings the players to where a file left them, if there is one; what else it holds."""
    if not state.is_file():
        return {}
    saved = torch.load(state, weights_only=True)
    for name, player in both.items():
        player.load_state_dict(saved[name])
    torch.set_rng_state(saved["rng"])
    return saved


def _save(both, state, **others):
    saved = {name: player.state_dict() for name, player in both.items()}
    temporary = state.with_suffix(".part")
    torch.save({**saved, "rng": torch.get_rng_state(), **others}, temporary)
    temporary.replace(state)


def train(images, folder, epochs, seed):
    """Trains on uint8 `[N, 28, 28, 1]`; leaves `epoch-<n>.pt` (the generator) in a folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    both = players()
    state = folder / "state.pt"
    start = _restore(both, state).get("epoch", 0)
    for epoch in range(start, epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(images))
        for i in tqdm(range(len(images) // BATCH), desc=f"epoch {epoch + 1}/{epochs}", unit="step", mininterval=5.0):
            rows = images[order[i * BATCH : (i + 1) * BATCH]]
            step(both, _real(rows))
        torch.save({"generator": both["g"].state_dict()}, folder / f"epoch-{epoch + 1:02d}.pt")
        _save(both, state, epoch=epoch + 1)


def contestants(images) -> dict:
    """What `quality.py` asks for; `images` uint8 `[B, 28, 28, 1]` are those that timed steps take."""
    torch.manual_seed(0)
    both, real = players(), _real(images)
    return {"steps": timed_steps(lambda: step(both, real)), "train": train, "draw": draw}


def by_seconds(images, folder, seed, width, batch) -> dict:
    """What `equal_time.py` asks for, with a training on uint8 `[N, 64, 64, C]` that is in a folder or begins there."""
    folder, shape = pathlib.Path(folder), images.shape[1:]
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    both = players(shape, width)
    state = folder / "state.pt"
    saved = _restore(both, state)
    steps = saved.get("steps", 0)
    clock = Clock("PyTorch's DCGAN", saved.get("seconds", 0.0))
    an_epoch = len(images) // batch

    def one():
        nonlocal steps
        epoch, i = divmod(steps, an_epoch)
        order = np.random.default_rng([seed, epoch]).permutation(len(images))
        step(both, _real(images[order[i * batch : (i + 1) * batch]]))
        steps += 1

    def train_until(seconds):
        clock.play(one, seconds)
        _save(both, state, steps=steps, seconds=clock.spent)
        return clock.spent

    def keep(path):
        torch.save({"generator": both["g"].state_dict()}, path)
        return {
            "steps": steps,
            "seconds": clock.spent,
            "batch_size": batch,
            "parameters": [sum(p.numel() for p in both[player].parameters()) for player in "gd"],
            "libraries": {"torch": torch.__version__},
        }

    return {
        "spent": lambda: clock.spent,
        "train": train_until,
        "keep": keep,
        "draw": lambda path, n, seed, batch_statistics: draw(path, n, seed, batch_statistics, shape, width, batch),
    }


def step(both, real):
    """One update of D and one of G on images `[B, C, H, W]` in [-1, 1]."""
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
def draw(path, n, seed, batch_statistics=True, shape=SHAPE, width=WIDTH, batch=BATCH):
    """Images float32 `[n, H, W, C]` in [0, 1] of the generator kept in a file.

    The example draws with the batch's own statistics, as it never calls `eval()`; False takes the moving ones.
    """
    saved = torch.load(path, weights_only=True)
    g = generator(shape, width)
    g.load_state_dict(saved["generator"])
    g.train(batch_statistics)
    torch.manual_seed(seed)
    parts = [g(torch.randn(min(batch, n - i), LATENT, 1, 1)) for i in range(0, n, batch)]
    return ((torch.cat(parts) + 1.0) / 2.0).permute(0, 2, 3, 1).numpy()
