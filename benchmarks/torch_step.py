"""The zoo's networks and training step in PyTorch, for `train_step.py` and `serving.py` to compare with.

Written as PyTorch users write them: one generator forward whose graph serves both updates, `detach` for the
discriminator, its parameters frozen in the generator's update, channels-last memory, and Adam with `fused=True`.
"""

import math

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode
from turns import peak_megabytes, timed_calls, timed_steps


def contestants(model: str, batch_size: int, precision: str, size: int) -> dict:
    """As `keras_step.contestants`."""
    runners, facts = {}, {}
    for name, compiled in (("torch", False), ("torch.compile", True)):
        play = step(model, batch_size, precision, compiled)
        run = timed_steps(lambda play=play: [float(loss) for loss in play()])
        try:
            run(2)  # compiling
        except Exception as error:  # no C++ compiler, say; the other figures are worth having all the same
            if not compiled:
                raise
            print(f"{name} is left out: {str(error).strip().splitlines()[0]}", flush=True)
            continue
        runners[name], facts[name] = run, peak_megabytes()
    # What is compiled cannot be counted; it multiplies as much.
    with FlopCounterMode(display=False) as counter:
        step(model, batch_size, precision, compiled=False)()
    multiplications = counter.get_total_flops() // 2
    numbers = torch.randn(2, size, size, dtype=torch.bfloat16 if precision == "bfloat16" else torch.float32)
    runners["matrix product"] = timed_steps(lambda: float(torch.matmul(*numbers)[0, 0]))
    runners["facts"] = lambda: {name: (multiplications, peak) for name, peak in facts.items()}
    return runners


ADDITIONS: dict[str, dict] = {  # as `keras_step.ADDITIONS`
    "torch": {},
    "torch, labels": {"classes": 10},
    "torch, R1, every 16": {"every": 16},
    "torch, R1": {"every": 1},
    "torch, DiffAugment": {"augment": True},
    "torch, hinge": {"loss": "hinge"},
    "torch, relativistic": {"loss": "relativistic"},
}


def additions(model: str, batch_size: int, precision: str) -> dict:
    """As `keras_step.additions`, eagerly."""
    runners = {}
    for name, options in ADDITIONS.items():
        play = step(model, batch_size, precision, compiled=False, **options)
        runners[name] = timed_steps(lambda play=play: [float(loss) for loss in play()])
        runners[name](17)
    return runners


def drawing(model: str) -> dict:
    """`{"torch": (latent vectors [B, 100], calls) -> [seconds of each]}` of the model's generator, eagerly."""
    generator = MODELS[model]()[0].eval()

    def run(z, calls):
        given = torch.from_numpy(z)
        with torch.inference_mode():
            return timed_calls(lambda: generator(given).numpy())(calls)

    return {"torch": run}


class Same(nn.Module):
    """Keras's `padding="same"` for a 5x5 convolution with stride 2: one row more behind than before."""

    def forward(self, x):
        return functional.pad(x, (1, 2, 1, 2))


class Cut(nn.Module):
    """The same for a transposed convolution: of the 2n + 3 rows that it gives, Keras keeps those from 1 on."""

    def forward(self, x):
        return x[:, :, 1:-2, 1:-2]


def dcgan(width=64, d_width=32, classes=0):
    generator = nn.Sequential(
        nn.Linear(100 + classes, 7 * 7 * 2 * width, bias=False),
        nn.Unflatten(1, (2 * width, 7, 7)),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 5, stride=2, bias=False),
        Cut(),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 5, stride=2, bias=False),
        Cut(),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        Same(),
        nn.Conv2d(1, d_width, 5, stride=2, bias=False),
        nn.LeakyReLU(0.2),
        Same(),
        nn.Conv2d(d_width, 2 * d_width, 5, stride=2, bias=False),
        nn.BatchNorm2d(2 * d_width),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(7 * 7 * 2 * d_width, classes or 1, bias=False),
    )
    for module in (*generator.modules(), *discriminator.modules()):
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)

    def optimizer(network):
        return torch.optim.Adam(network.parameters(), 2e-4, betas=(0.5, 0.999), eps=1e-7, fused=True)

    return (
        generator.to(memory_format=torch.channels_last),
        discriminator.to(memory_format=torch.channels_last),
        optimizer,
        lambda n: torch.rand(n, 100) * 2 - 1,
        (-1.0, 1.0),
    )


class Maxout(nn.Module):
    def __init__(self, inputs, units, pieces):
        super().__init__()
        self.linear = nn.Linear(inputs, units * pieces)
        self.pieces = pieces

    def forward(self, x):
        return self.linear(x).unflatten(1, (-1, self.pieces)).amax(2)


def vanilla_gan():
    generator = nn.Sequential(
        nn.Linear(100, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU(), nn.Linear(1200, 784), nn.Sigmoid()
    )
    generator.append(nn.Unflatten(1, (1, 28, 28)))
    discriminator = nn.Sequential(
        nn.Flatten(),
        nn.Dropout(0.2),
        Maxout(784, 240, 5),
        nn.Dropout(0.5),
        Maxout(240, 240, 5),
        nn.Dropout(0.5),
        nn.Linear(240, 1),
    )
    return (
        generator,
        discriminator,
        lambda network: torch.optim.SGD(network.parameters(), 0.1, momentum=0.5, fused=True),
        lambda n: (torch.rand(n, 100) * 2 - 1) * math.sqrt(3),
        (0.0, 1.0),
    )


MODELS = {"dcgan": dcgan, "vanilla_gan": vanilla_gan}


def augmented(x):
    """DiffAugment's three transforms, as its authors' code has them: indices, and a grid that is zero in the square."""
    n, _, height, width = x.shape
    x = x + (torch.rand(n, 1, 1, 1) - 0.5)
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (torch.rand(n, 1, 1, 1) * 2) + grey
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * (torch.rand(n, 1, 1, 1) + 0.5) + mean
    most = int(height / 8 + 0.5)
    down, right = (torch.randint(-most, most + 1, (n, 1, 1)) for _ in range(2))
    batch, rows, columns = torch.meshgrid(*(torch.arange(k) for k in (n, height, width)), indexing="ij")
    rows, columns = (rows + down + 1).clamp(0, height + 1), (columns + right + 1).clamp(0, width + 1)
    x = functional.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 3, 1, 2)
    size = int(height / 2 + 0.5)
    top, left = (torch.randint(0, height + (1 - size % 2), (n, 1, 1)) for _ in range(2))
    batch, rows, columns = torch.meshgrid(torch.arange(n), torch.arange(size), torch.arange(size), indexing="ij")
    mask = torch.ones(n, height, width)
    mask[batch, (rows + top - size // 2).clamp(0, height - 1), (columns + left - size // 2).clamp(0, width - 1)] = 0
    return x * mask[:, None]


def softplus_losses(on_real, on_fake):
    return functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean()


D_LOSSES = {
    "non_saturating": softplus_losses,
    "hinge": lambda on_real, on_fake: functional.relu(1 - on_real).mean() + functional.relu(1 + on_fake).mean(),
    "relativistic": lambda on_real, on_fake: functional.softplus(on_fake - on_real).mean(),
}
G_LOSSES = {
    "non_saturating": lambda on_fake, on_real: functional.softplus(-on_fake).mean(),
    "hinge": lambda on_fake, on_real: -on_fake.mean(),
    "relativistic": lambda on_fake, on_real: functional.softplus(on_real - on_fake).mean(),
}


def step(
    model, batch_size, precision, compiled, classes=0, loss="non_saturating", every=0, augment=False, r1_weight=5.0
):
    """A function that plays one step and returns both losses."""
    torch.manual_seed(0)
    parts = MODELS[model](classes=classes) if classes else MODELS[model]()
    generator, discriminator, optimizer, draw, (low, high) = parts
    g_optimizer, d_optimizer = optimizer(generator), optimizer(discriminator)
    real = torch.rand(batch_size, 1, 28, 28) * (high - low) + low
    labels = torch.arange(batch_size) % classes if classes else None
    g_forward = torch.compile(generator) if compiled else generator
    d_forward = torch.compile(discriminator) if compiled else discriminator
    played = 0

    def judge(x):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            logits = d_forward(augmented(x) if augment else x)
        return (logits if labels is None else logits.gather(1, labels[:, None])).float()

    def play():
        nonlocal played
        z = draw(batch_size)
        if labels is not None:
            z = torch.cat([z, functional.one_hot(labels, classes).float()], 1)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            fake = g_forward(z)
        d_loss = D_LOSSES[loss](judge(real), judge(fake.detach()))
        d_optimizer.zero_grad(set_to_none=True)
        d_loss.backward()
        if every and played % every == 0:
            points = real.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(judge(points).sum(), points, create_graph=True)
            (r1_weight * every * gradient.square().sum((1, 2, 3)).mean()).backward()
        d_optimizer.step()
        played += 1

        discriminator.requires_grad_(False)
        on_real = judge(real) if loss == "relativistic" else None
        g_loss = G_LOSSES[loss](judge(fake), on_real)
        g_optimizer.zero_grad(set_to_none=True)
        g_loss.backward()
        g_optimizer.step()
        discriminator.requires_grad_(True)
        return d_loss.detach(), g_loss.detach()

    return play
