"""What strangers' files can do: thousands of damaged and crafted ones. Each must load or end in one clean error.

    python benchmarks/fuzz_loaders.py [--files=2000] [--seed=0] [--kind=archive ...]

Mutates presets, `.keras` files, run configurations, archives of presets, images and image arrays: flipped, cut, doubled
and inserted bytes, and, where a file is JSON, changed, deleted and swapped values. Checksums are made to fit again, so
that the loaders behind them are reached. Anything but success or a `ValueError` of one line is printed, kept in
`--output`, and makes the exit status 1; so does any file that appears outside the folders where it should.
"""

import collections
import io
import json
import os
import pathlib
import random
import sys
import tarfile
import tempfile
import warnings
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from absl import app, flags
from PIL import Image
from tqdm import tqdm

import kerasgan
from kerasgan import data, presets, runs
from kerasgan.files import sha256_of

FLAGS = flags.FLAGS
flags.DEFINE_integer("files", 2000, "how many mutated files to load")
flags.DEFINE_integer("seed", 0, "of the mutations")
flags.DEFINE_string("output", "runs/fuzz", "where files that found something are kept")


def mutate_bytes(content, rng):
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        place = rng.randrange(len(content) + 1)
        kind = rng.randrange(5)
        if kind == 0 and content:
            content[min(place, len(content) - 1)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del content[place : place + rng.choice((1, 8, 100, len(content)))]
        elif kind == 2:
            content[place:place] = rng.randbytes(rng.choice((1, 8, 64)))
        elif kind == 3:
            content[place : place + 8] = rng.choice((b"\0" * 8, b"\xff" * 8, b"../../a", b"\x7f" + b"\xff" * 7))
        else:
            content[place:place] = content[place // 2 : place]
    return bytes(content)


STRANGE = (
    None,
    True,
    -1,
    0,
    2**70,
    1e308,
    float("nan"),
    "",
    "../../../tmp/x",
    "\0",
    "os.system",
    [],
    {},
    [[]],
    "é" * 500,
)


def mutate_json(content, rng):
    """Changes values anywhere in a JSON text."""
    try:
        tree = json.loads(content)
    except ValueError:
        return mutate_bytes(content, rng)
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = [(holder, key) for holder in walk(tree) for key in keys_of(holder)]
        if not places:
            break
        holder, key = rng.choice(places)
        kind = rng.randrange(4)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            other, place = rng.choice(places)
            holder[key] = json.loads(json.dumps(other[place]))  # a value from elsewhere
        elif kind == 2 and isinstance(holder, dict):
            holder[rng.choice(("class_name", "module", "registered_name", "config", "x"))] = rng.choice(
                ("Lambda", "os", "builtins", "kerasgan>GAN", "eval", "subprocess", {"class_name": "function"})
            )
        else:
            holder[key] = rng.choice(STRANGE)
    return json.dumps(tree).encode()


def walk(tree):
    if isinstance(tree, (dict, list)):
        yield tree
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from walk(child)


def keys_of(holder):
    return list(holder) if isinstance(holder, dict) else range(len(holder))


class Originals:
    """One whole file of each kind, as bytes."""

    def __init__(self, folder):
        # "vectors": the smallest networks that the zoo makes
        gan = kerasgan.create_model("vanilla_gan", image_shape=(2,), generator_units=2, discriminator_units=2)
        gan.save_to_preset(folder / "preset")
        gan.save(folder / "gan.keras")
        self.preset = {path.name: path.read_bytes() for path in (folder / "preset").iterdir() if path.is_file()}
        self.keras = (folder / "gan.keras").read_bytes()
        config = runs.resolve("vanilla_gan", "ring", epochs=1)
        self.config = json.dumps({field: getattr(config, field) for field in config.__dataclass_fields__}).encode()
        image = io.BytesIO()
        Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(image, "PNG")
        self.png = image.getvalue()
        array = io.BytesIO()
        np.savez_compressed(array, np.zeros((4, 8, 8, 1), np.uint8))
        self.npz = array.getvalue()


def load_preset(originals, folder, rng, name, mutate):
    files = {**originals.preset, name: mutate(originals.preset[name], rng)}
    for file, content in files.items():
        (folder / file).write_bytes(content)
    if name == "model.weights.h5":  # past the checksum
        facts = json.loads(files["metadata.json"])
        facts["weights_sha256"] = sha256_of(folder / name)
        (folder / "metadata.json").write_text(json.dumps(facts))
    presets.load(folder)


def load_keras(originals, folder, rng):
    """Mutates a member and zips it again, or the archive as it is."""
    path = folder / "gan.keras"
    if rng.random() < 0.3:
        path.write_bytes(mutate_bytes(originals.keras, rng))
    else:
        with zipfile.ZipFile(io.BytesIO(originals.keras)) as old, zipfile.ZipFile(path, "w") as new:
            chosen = rng.choice(old.namelist())
            for name in old.namelist():
                content = old.read(name)
                if name == chosen:
                    content = (mutate_json if name.endswith(".json") else mutate_bytes)(content, rng)
                new.writestr(name, content)
    presets.load(path)


def load_run(originals, folder, rng):
    (folder / "config.json").write_bytes(mutate_json(originals.config, rng))
    runs.read_config(folder)


def unpack(originals, folder, rng):
    """An archive with members that want to lie elsewhere."""
    path, target = folder / "archive", folder / "inside"
    members = [("../escaped.txt", b"x")]
    for name, content in originals.preset.items():
        place = rng.choice(("", "preset/", "../", "../../outside/", "/tmp/kerasgan-outside/", "a/../../"))
        members.append((place + name, mutate_bytes(content, rng) if rng.random() < 0.3 else content))
    if rng.random() < 0.5:
        with zipfile.ZipFile(path, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            for name, content in members:
                archive.writestr(name, content)
    else:
        with tarfile.open(path, rng.choice(("w", "w:gz", "w:xz"))) as archive:
            for name, content in members:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            link = tarfile.TarInfo("../link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    if rng.random() < 0.3:
        path.write_bytes(mutate_bytes(path.read_bytes(), rng))
    presets._unpack(path, target, "the archive")


def load_image(originals, folder, rng):
    (folder / "a.png").write_bytes(mutate_bytes(originals.png, rng))
    data.load_array(f"folder:{folder}", image_shape=(8, 8, 3))


def load_array(originals, folder, rng):
    (folder / "a.npz").write_bytes(mutate_bytes(originals.npz, rng))
    data.load_array(str(folder / "a.npz"), image_shape=(8, 8, 1))


KINDS = {
    "config.json": lambda *args: load_preset(*args, "config.json", mutate_json),
    "config.json, bytes": lambda *args: load_preset(*args, "config.json", mutate_bytes),
    "metadata.json": lambda *args: load_preset(*args, "metadata.json", mutate_json),
    "model.weights.h5": lambda *args: load_preset(*args, "model.weights.h5", mutate_bytes),
    ".keras": load_keras,
    "run": load_run,
    "archive": unpack,
    "image": load_image,
    ".npz": load_array,
}
flags.DEFINE_multi_enum("kind", None, KINDS, "these kinds of files alone")


def main(_):
    warnings.simplefilter("ignore")
    output = pathlib.Path(FLAGS.output)
    seen = {kind: collections.Counter() for kind in FLAGS.kind or KINDS}
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(temporary)
        (root / "originals").mkdir()
        originals = Originals(root / "originals")
        for i in tqdm(range(FLAGS.files), unit="file"):
            kind = list(seen)[i % len(seen)]
            folder = root / "case" / "within"
            folder.mkdir(parents=True)
            rng = random.Random(f"{FLAGS.seed} {i}")
            try:
                KINDS[kind](originals, folder, rng)
                found = "loaded"
            except ValueError as error:
                found = "refused" if "\n" not in str(error) else f"several lines: {error}"
            except Exception as error:  # what this is looking for
                found = f"{type(error).__name__}: {error}"
            escaped = [path for path in folder.parent.iterdir() if path != folder]
            if escaped or pathlib.Path("/tmp/kerasgan-outside").exists():
                found = f"wrote outside: {escaped}"
            seen[kind]["loaded" if found == "loaded" else "refused" if found == "refused" else "FOUND"] += 1
            if found not in ("loaded", "refused"):
                tqdm.write(f"{i} {kind}: {found[:300]}")
                kept = output / f"{i:05d}"
                kept.parent.mkdir(parents=True, exist_ok=True)
                folder.rename(kept)
            for path in sorted((root / "case").rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            (root / "case").rmdir()
            if i % 100 == 99:
                keras.backend.clear_session()
    for kind, counts in seen.items():
        print(f"{kind:20}" + "".join(f"{what} {count:6}   " for what, count in sorted(counts.items())))
    return 1 if any(counts["FOUND"] for counts in seen.values()) else 0


if __name__ == "__main__":
    app.run(lambda argv: sys.exit(main(argv)))
