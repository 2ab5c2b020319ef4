"""Samples by the million: files of them, each image that of its seed."""

import contextlib
import hashlib
import io
import json
import os
import pathlib
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasgan import classes
from kerasgan.cluster.connecting import connected
from kerasgan.cluster.spreading import Shard, shards_of, spread
from kerasgan.cluster.storage import Mirror, is_remote
from kerasgan.files import Path, check_writable, held, replacing
from kerasgan.messages import say

if TYPE_CHECKING:
    from kerasgan.gan import GAN

SIZE = 10_000  # images in a file
AT_ONCE = 256  # that are drawn; the same everywhere, or the last bits of a pixel could differ
MANIFEST = "manifest.json"
FORMATS = {"webdataset": ".tar", "parquet": ".parquet", "arrayrecord": ".array_record"}


def draw(
    preset: str,
    n: int,
    output: Path,
    workers: int,
    address: str = "auto",
    seed: int = 0,
    labels: Sequence[Any] | None = None,
    form: str = "webdataset",
    size: int = SIZE,
    gpus: float = 0.0,
) -> int:
    """Draws n samples on a Ray cluster into files `shard-00000-of-01000.tar` and so on.

    The image of seed s is that of `gan.generate(seeds=[s])` as PNG; beside it stand its seed and, of a conditional GAN,
    its label. A file that is there is whole, so the same command goes on where it stopped; two that run at once write
    the same bytes.

    Args:
        preset: what `kerasgan.presets.load` takes, on every machine.
        n: how many.
        output: a folder that all machines see, or an address that fsspec knows, such as `s3://bucket/faces`.
        workers: processes, each of which holds the generator.
        address: as of `kerasgan.cluster.connecting.connected`.
        seed: of the first.
        labels: of a conditional GAN, classes by name or number (or its text, "3"), which the samples take in turn;
            None is the class that the seed gives.
        form: "webdataset" (tar files of `000000000017.png` and `.json`), "parquet" (columns seed, label, image) or
            "arrayrecord" (`tf.train.Example` with seed, label, image).
        size: samples in a file.
        gpus: of each process, such as .25; 0 is none.

    Returns:
        How many files were written; others were there.

    Raises:
        ValueError: there is no such cluster, preset, class or form, or the output holds other samples.
        kerasgan.cluster.spreading.ShardError: a file has failed three times.
    """
    from kerasgan import presets

    if form not in FORMATS:
        raise ValueError(f"format is one of {', '.join(FORMATS)}; found {form!r}.")
    gan = presets.load(preset)
    if gan.value_range is None or len(gan.sample_shape) != 3:
        raise ValueError(f"{preset} makes points, and files hold images.")
    wanted = None
    if labels is not None:
        if gan.class_names is None:
            raise ValueError(f"{preset} knows no classes; leave the labels out.")
        wanted = classes.check_labels(
            classes.from_texts(labels, gan.class_names), len(labels), gan.class_names
        ).tolist()
    store = Store(output)
    manifest = {
        "preset": preset,
        "model": gan.name,
        "weights_sha256": _checksum(gan),
        "n": n,
        "seed": seed,
        "labels": wanted,
        "class_names": None if gan.class_names is None else list(gan.class_names),
        "format": form,
        "size": size,
        "image_shape": list(gan.sample_shape),
    }
    with connected(address, workers) as ray, store.held():
        there = store.begin(manifest)
        shards = shards_of(n, seed, size)
        left = [shard for shard in shards if name_of(shard, len(shards), form) not in there]
        if len(left) < len(shards):
            say(f"{len(shards) - len(left):,} of {len(shards):,} files are there already")
        job = {"preset": seen_by_all(preset), "output": store.output, "of": len(shards), "form": form, "labels": wanted}
        for _ in spread(ray, hand, job, left, workers, gpus):
            pass
        store.tidy(FORMATS[form])
    return len(left)


def name_of(shard: Shard, count: int, form: str) -> str:
    """The name of a shard's file."""
    digits = max(5, len(str(count)))
    return f"shard-{shard.index:0{digits}d}-of-{count:0{digits}d}{FORMATS[form]}"


class Store:
    """The folder, or the place in an object store, where the files go."""

    def __init__(self, output: Path) -> None:
        self.mirror = Mirror(str(output)) if is_remote(output) else None
        self.output = str(output) if self.mirror else os.path.abspath(output)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other commands on this machine out of a folder."""
        if self.mirror is not None:
            yield
            return
        folder = check_writable(pathlib.Path(self.output))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with held(folder):
                yield
        except BlockingIOError:
            raise ValueError(f"Another command writes to {folder}; wait for it, or choose another folder.") from None

    def begin(self, manifest: dict[str, Any]) -> set[str]:
        """Writes down what is drawn; the names of the files that are there.

        Raises:
            ValueError: files of other samples are.
        """
        if self.mirror is None:
            folder = pathlib.Path(self.output)
            names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
            written = (folder / MANIFEST).read_text(encoding="utf-8") if MANIFEST in names else None
        else:
            names = set(self.mirror.names())
            written = self.mirror.read(MANIFEST).decode() if MANIFEST in names else None
        if written is None and names:
            raise ValueError(f"{self.output} holds other files; choose a new or an empty folder.")
        if written is not None and (found := json.loads(written)) != manifest:
            unlike = [name for name in manifest if found.get(name) != manifest[name]]
            raise ValueError(f"{self.output} holds other samples ({', '.join(unlike)} differ); choose another folder.")
        if written is None:
            with self.writing(MANIFEST) as path:
                path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        return names

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[pathlib.Path]:
        """A path to write a file to, which appears under its name whole or not at all."""
        if self.mirror is None:
            with replacing(pathlib.Path(self.output) / name) as path:
                yield path
            return
        with tempfile.TemporaryDirectory(prefix="kerasgan-shard-") as folder:
            path = pathlib.Path(folder) / name
            yield path
            self.mirror.put(path, name)

    def tidy(self, suffix: str) -> None:
        """Removes what processes have left that died while they wrote."""
        if self.mirror is None:
            for path in pathlib.Path(self.output).glob(f".*{suffix}"):
                path.unlink(missing_ok=True)


def hand(job: dict[str, Any]) -> Callable[[Shard], bytes]:
    """On each machine, what draws one shard and puts its file in its place."""
    from kerasgan import presets

    gan, store = presets.load(job["preset"]), Store(job["output"])
    write = {"webdataset": _write_tar, "parquet": _write_parquet, "arrayrecord": _write_array_record}[job["form"]]

    def work(shard: Shard) -> bytes:
        with store.writing(name_of(shard, job["of"], job["form"])) as path:
            write(path, samples_of(gan, shard, job["labels"]))
        return b""

    return work


def samples_of(gan: "GAN", shard: Shard, labels: Sequence[int] | None) -> Iterator[tuple[int, int | None, bytes]]:
    """(seed, label or None, PNG) of each sample of a shard."""
    from kerasgan.evaluation import labels_of

    for start in range(shard.first, shard.first + shard.count, AT_ONCE):
        count = min(AT_ONCE, shard.first + shard.count - start)
        of = None
        if gan.class_names is not None and labels is None:
            of = labels_of(gan, count, start)
        elif labels is not None:
            of = np.array([labels[seed % len(labels)] for seed in range(start, start + count)])
        images = gan.generate(count, start, batch_size=AT_ONCE, labels=None if labels is None else of)
        for i, image in enumerate(np.round(images * 255.0).astype(np.uint8)):
            yield start + i, None if of is None else int(of[i]), _png(image)


def _png(image):
    from kerasgan import plots

    file = io.BytesIO()
    plots.picture(image).save(file, format="PNG")
    return file.getvalue()


def _write_tar(path, samples):
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for seed, label, png in samples:
            about = {"seed": seed} if label is None else {"seed": seed, "label": label}
            for suffix, content in (("json", json.dumps(about).encode()), ("png", png)):
                entry = tarfile.TarInfo(f"{seed:012d}.{suffix}")
                entry.size = len(content)  # its time stays 0, so that the same samples are the same bytes
                tar.addfile(entry, io.BytesIO(content))


def _write_parquet(path, samples):
    import pyarrow as pa
    import pyarrow.parquet

    schema = pa.schema([("seed", pa.int64()), ("label", pa.int32()), ("image", pa.binary())])
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        rows = []
        for row in samples:
            rows.append(row)
            if len(rows) == 1_000:
                writer.write_batch(_batch(rows, schema))
                rows = []
        if rows:
            writer.write_batch(_batch(rows, schema))


def _batch(rows, schema):
    import pyarrow as pa

    columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)]
    return pa.record_batch(columns, schema)


def _write_array_record(path, samples):
    import tensorflow as tf
    from array_record.python import array_record_module

    writer = array_record_module.ArrayRecordWriter(str(path), "group_size:1")
    for seed, label, png in samples:
        numbers = {"seed": seed} if label is None else {"seed": seed, "label": label}
        features = {
            name: tf.train.Feature(int64_list=tf.train.Int64List(value=[value])) for name, value in numbers.items()
        }
        features["image"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[png]))
        writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    writer.close()


def seen_by_all(preset: str) -> str:
    """A folder's or file's whole path; names and addresses as they are."""
    from kerasgan import presets

    known = preset in presets.list_presets()
    return os.path.abspath(preset) if not known and os.path.exists(preset) else preset


def _checksum(gan):
    """Of the weights that draw, which a preset of the same name may have others of."""
    total = hashlib.sha256()
    for weight in gan.inference_generator().get_weights():
        total.update(weight.tobytes())
    return total.hexdigest()
