"""What else a PyTorch user would take: `pip install lightweight-gan` (Wang's, after Liu et al. 2021, arXiv:2101.04775).

It is its own trainer that trains, with the settings of its command but for what two cores allow: no channels beyond
`--fmap-max`, small batches that are not gathered, and no attention in G and D's trunk (`--attn-res-layers`, which is
the trainer's default; D's second head has it all the same). With the command's 512 channels and four times ten images
a step takes minutes. Augmentation is what the trainer chooses for as many pictures: cutout and translation, each
update with a probability of 29 % for 3,000.

The package needs CUDA, and says so when it is imported. Here it computes on the processor, for which these are changed:

- `torch.cuda.is_available` says yes while the package is imported, because it asserts that;
- `.cuda()` of tensors and modules leaves them where they are, and what the package knows as `torch.device` is the
  processor, whatever is asked for;
- torchvision, which it reads files and draws grids with, is not there: PyPI's does not fit a PyTorch without CUDA, and
  batches come from memory;
- `evaluate` and `save`, with which the trainer draws and keeps something now and then, do nothing, as nobody else is
  charged for that either; a state with the optimizers, which the trainer forgets, is kept after each turn.

Scored is the generator itself, drawn as the trainer does, in `eval()`: its average is a copy, up to 1,000 steps old,
for the first 20,000 steps.
"""

import importlib
import importlib.metadata
import pathlib
import random
import sys
import types

import numpy as np
import torch
from clock import Clock

LATENT = 256


class _OnTheProcessor(types.ModuleType):
    """PyTorch but for its `device`."""

    def __getattr__(self, name):
        return getattr(torch, name)

    def device(self, *_):
        return torch.device("cpu")


def _import_package():
    stub, is_available = types.ModuleType("torchvision"), torch.cuda.is_available
    stub.transforms = None
    sys.modules["torchvision"], torch.cuda.is_available = stub, lambda: True
    try:
        package = importlib.import_module("lightweight_gan.lightweight_gan")
    finally:
        torch.cuda.is_available = is_available
        del sys.modules["torchvision"]
    package.torch = _OnTheProcessor("torch")
    for kind in (torch.Tensor, torch.nn.Module):
        kind.cuda = lambda self, *_, **__: self
    return package


def by_seconds(images, folder, seed, width, batch) -> dict:
    """What `equal_time.py` asks for, with a training on uint8 `[N, 64, 64, 3]` that is in a folder or begins there."""
    package, folder = _import_package(), pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    random.seed(seed)  # of augmentation
    torch.manual_seed(seed)
    trainer = package.Trainer(
        base_dir=folder,
        image_size=images.shape[1],
        fmap_max=width,
        batch_size=batch,
        gradient_accumulate_every=1,
        attn_res_layers=[],
        disc_output_size=1,
        aug_prob=min(0.5, max(0.0, (1e5 - len(images)) * 3e-6)),  # as `set_data_src` of a folder
        aug_types=["cutout", "translation"],
        use_aim=False,
    )
    trainer.evaluate = trainer.save = lambda *_, **__: None
    trainer.init_GAN()
    gan, state = trainer.GAN, folder / "state.pt"
    parts = {"gan": gan, "g_optimizer": gan.G_opt, "d_optimizer": gan.D_opt}
    clock = Clock("lightweight-gan")
    if state.is_file():
        saved = torch.load(state, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        random.setstate(saved["random"])
        torch.set_rng_state(saved["rng"])
        trainer.steps, clock.spent = saved["steps"], saved["seconds"]

    def batches():
        an_epoch = len(images) // batch
        while True:
            epoch, i = divmod(trainer.steps, an_epoch)
            rows = images[np.random.default_rng([seed, epoch]).permutation(len(images))[i * batch : (i + 1) * batch]]
            yield torch.from_numpy(rows.transpose(0, 3, 1, 2)).float() / 255.0

    def lost(*_, **__):
        raise ValueError(f"lightweight-gan has come to NaN after {trainer.steps} steps.")

    trainer.load = lost  # what the trainer does then
    trainer.loader = batches()

    def train_until(seconds):
        clock.play(trainer.train, seconds)
        saved = {name: part.state_dict() for name, part in parts.items()}
        saved |= {"random": random.getstate(), "rng": torch.get_rng_state()}
        temporary = state.with_suffix(".part")
        torch.save({**saved, "steps": trainer.steps, "seconds": clock.spent}, temporary)
        temporary.replace(state)
        return clock.spent

    def keep(path):
        torch.save({"generator": gan.G.state_dict()}, path)
        return {
            "steps": trainer.steps,
            "seconds": clock.spent,
            "batch_size": batch,
            "parameters": [sum(p.numel() for p in network.parameters()) for network in (gan.G, gan.D)],
            "libraries": {
                "torch": torch.__version__,
                "lightweight-gan": importlib.metadata.version("lightweight-gan"),
            },
        }

    @torch.no_grad()
    def draw(path, n, seed, _):
        g = package.Generator(image_size=images.shape[1], latent_dim=LATENT, fmap_max=width)
        g.load_state_dict(torch.load(path, weights_only=True)["generator"])
        g.eval()
        torch.manual_seed(seed)
        parts = [g(torch.randn(min(batch, n - i), LATENT)).clamp(0.0, 1.0) for i in range(0, n, batch)]
        return torch.cat(parts).permute(0, 2, 3, 1).numpy()

    return {"spent": lambda: clock.spent, "train": train_until, "keep": keep, "draw": draw}
