"""The proof that a version can be served: TensorFlow's C++ loader runs everything that it offers.

`verify` reads what the graph says of itself, makes requests, and lets `loader.Process` answer them, in a process
without Python's TensorFlow and without XLA, as TensorFlow Serving would. It never trusts `kerasgan.json`, which it
compares with the graph.
"""

import contextlib
import dataclasses
import functools
import io
import json
import os
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from PIL import Image
from tqdm import tqdm

from kerasgan.errors import first_line
from kerasgan.serving import warmup
from kerasgan.serving.loader import LoadError, Process
from kerasgan.serving.operations import PYTHON, has_gpu_kernel, is_stateful_random, nodes_behind, tolerance_of
from kerasgan.serving.savedmodel import METADATA, Tensor, describe, read_graph, read_signatures, weights_digest
from kerasgan.serving.signatures import BATCH_SIZES, endpoints, score_kind

if TYPE_CHECKING:
    from kerasgan.gan import GAN

ROWS = (1, 3, 8)
TIMED_ROWS = (1, 8, 32)
TIMED_SECONDS = 1.0  # for one median, where calls are slow: float16 on CPU is
GPU_SIGNATURES = ("serving_default", "sample", "generate_label", "score")  # PNG encoding has no GPU kernel anywhere
LABELS = ("label", "labels")


@dataclasses.dataclass(frozen=True)
class Check:
    """One finding: what was looked at, "ok", "FAILED" or "skipped", and why."""

    name: str
    result: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Report:
    """What `verify` found: its checks, and `{signature: {rows: median milliseconds of a call}}`."""

    folder: str
    checks: list[Check]
    milliseconds: dict[str, dict[int, float]]

    @property
    def passed(self) -> bool:
        """Whether no check failed. A skipped one says why it could not be done."""
        return not self.failed

    @property
    def failed(self) -> list[Check]:
        """The checks that do not hold."""
        return [check for check in self.checks if check.result == "FAILED"]

    def table(self) -> str:
        """The findings and timings as text."""
        width = max(len(check.name) for check in self.checks)
        lines = [f"{check.name:{width}}  {check.result:7}  {check.detail}".rstrip() for check in self.checks]
        if self.milliseconds:
            lines += ["", f"{'ms per call, median':{width}}" + "".join(f"{rows:>6} rows" for rows in TIMED_ROWS)]
            for name, times in self.milliseconds.items():
                lines.append(f"{name:{width}}" + "".join(f"{times[rows]:>11.2f}" for rows in TIMED_ROWS))
        return "\n".join(lines)


class _Failed(Exception):
    """A check that does not hold."""


class _Skipped(Exception):
    """A check that cannot be made."""


def verify(
    folder: str | os.PathLike, preset: str | os.PathLike | None = None, xla: bool = False, progress: bool = False
) -> Report:
    """Loads a version as TensorFlow Serving does and checks everything that it promises.

    A SavedModel is a program, and this runs it: a graph can read and write files. Look at strangers' models in a
    container.

    Args:
        folder: the version's folder, such as "saved_models/my_gan/1", or any other SavedModel's.
        preset: what it was exported from, as `presets.load` takes it, to compare its images with; None takes the one
            that its metadata names, if that is there and has the same weights.
        xla: True leaves XLA enabled, as a server started with `--xla_cpu_compilation_enabled` does.
        progress: whether to show a progress bar.

    Returns:
        The report. A version that fails is no exception.

    Raises:
        ValueError: `folder` is no SavedModel, or its `saved_model.pb` is damaged; `preset` cannot be loaded.
    """
    graph = read_graph(folder)
    gan: GAN | None = None
    if preset is not None:
        from kerasgan import presets

        gan = presets.load(preset)
    try:
        process = Process(folder, xla)
    except LoadError as error:
        return Report(str(folder), [Check("loads", "FAILED", first_line(error))], {})
    with process:
        return _Verification(folder, graph, process, gan, xla).report(progress)


class _Verification:
    def __init__(self, folder: str | os.PathLike, graph: Any, process: Process, gan: "GAN | None", xla: bool) -> None:
        self.folder = folder
        self.graph = graph
        self.signatures = read_signatures(graph)
        self.process = process
        self.gan = gan
        self.xla = xla
        self.metadata: dict[str, Any] | None = None
        self.requests: dict[str, Any] = {}  # signature -> inputs of max(ROWS) rows
        self.answers: dict[str, Any] = {}  # signature -> the outputs that belong to them
        self.tolerance = tolerance_of(graph)
        self.classes = _classes(self.signatures)

    def report(self, progress: bool) -> Report:
        checks = [Check("loads", "ok", "")]
        tasks: list[tuple[str, Callable[[], str | None]]] = [("metadata", self.check_metadata)]
        tasks += [(name, functools.partial(self.check_signature, name)) for name in self._order()]
        tasks += [
            ("sample gives serving_default's images", self.check_sample),
            ("PNGs show the images", self.check_pngs),
            ("images are generate's", self.check_preset),
            *([("scores are the discriminator's", self.check_score)] if "score" in self.signatures else []),
            *([("classes", self.check_classes)] if self.classes else []),
            ("warm-up replays", self.check_warmup),
            ("bad input is refused", self.check_bad_input),
            ("operations", self.check_operations),
            ("GPU kernels", self.check_kernels),
        ]
        milliseconds = {}
        with tqdm(total=len(tasks) + len(self.signatures), unit="check", disable=not progress, leave=False) as bar:
            for name, task in tasks:
                bar.set_description(name)
                checks.append(_outcome(name, task))
                bar.update()
            for name in self.answers:
                bar.set_description(f"timing {name}")
                with contextlib.suppress(LoadError):  # one that refuses repeated rows, say
                    milliseconds[name] = self.time(name)
                bar.update()
        return Report(str(self.folder), checks, milliseconds)

    def _order(self):
        # Images to score come from `sample`, or else from `serving_default`.
        return sorted(self.signatures, key=lambda name: (name != "sample", name != "serving_default", name))

    def call(self, name: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors = self.signatures[name]
        outputs = list(tensors["outputs"])
        feeds = {tensors["inputs"][key].name: value for key, value in inputs.items()}
        results = self.process.run(feeds, [tensors["outputs"][key].name for key in outputs])
        return dict(zip(outputs, results, strict=True))

    def check_metadata(self) -> str:
        path = pathlib.Path(self.folder) / METADATA
        if not path.is_file():
            raise _Failed(f"there is no {METADATA}; `kerasgan export` writes one")
        try:
            self.metadata = json.loads(path.read_text())
            described = self.metadata["signatures"]
            xla = self.metadata["xla"]
        except (ValueError, KeyError, TypeError, OSError) as error:
            self.metadata = None
            raise _Failed(f"{METADATA} is damaged: {error!r}") from None
        if sorted(described) != sorted(self.signatures):
            raise _Failed(f"it names {', '.join(sorted(described))}; the graph has {', '.join(self.signatures)}")
        for name, signature in describe(self.signatures).items():
            if described[name] != signature:
                raise _Failed(f"it says of {name}: {described[name]}; the graph: {signature}")
        if bool(self.metadata.get("class_names")) != bool(self.classes):
            named = "names classes" if self.metadata.get("class_names") else "names no classes"
            raise _Failed(f"it {named}; the graph has {self.classes or 'none'}")
        if xla and not self.xla:
            raise _Failed("exported with XLA: a server needs --xla_cpu_compilation_enabled, and this check needs --xla")
        preset = f", from {self.metadata['preset']}" if self.metadata.get("preset") else ""
        return f"{self.metadata.get('model')}{preset}, TensorFlow {self.metadata['libraries']['tensorflow']}"

    def check_signature(self, name: str) -> str:
        inputs, outputs = (self.signatures[name][side] for side in ("inputs", "outputs"))
        for key, tensor in {**inputs, **outputs}.items():
            if not tensor.shape or tensor.shape[0] is not None:
                raise _Failed(f"{key} has shape {_shape(tensor)}; batching needs a first dimension that is free")
        request = {key: self._input(key, tensor, max(ROWS)) for key, tensor in inputs.items()}
        answer = self.call(name, request)
        self._check_answer(name, answer, max(ROWS))
        self.requests[name], self.answers[name] = request, answer
        # Row i alone, in threes, and turned round among others: always row i of the answer.
        differ = 0.0
        turned = self.call(name, {key: value[::-1] for key, value in request.items()})
        differ = max(differ, self.difference({key: value[::-1] for key, value in turned.items()}, answer))
        for rows in ROWS[:-1]:
            for start in range(0, max(ROWS) - rows + 1, rows):
                part = slice(start, start + rows)
                small = self.call(name, {key: value[part] for key, value in request.items()})
                self._check_answer(name, small, rows)
                differ = max(differ, self.difference(small, {key: value[part] for key, value in answer.items()}))
        if differ > self.tolerance:
            raise _Failed(f"a row's answer depends on the rows beside it: it differs by {differ:.2g}")
        given = ", ".join(f"{key} {_shape(tensor)} {tensor.dtype}" for key, tensor in inputs.items())
        got = ", ".join(f"{key} {_shape(tensor)}" for key, tensor in outputs.items())
        return f"{given} -> {got}; rows {', '.join(map(str, ROWS))}; apart {differ:.1g}"

    def _check_answer(self, name, answer, rows):
        for key, value in answer.items():
            _check_output(key, self.signatures[name]["outputs"][key], value, rows)

    def _input(self, key, tensor, rows):
        """Something that the input could be: from the model's own answers, or else by its type."""
        if key in ("images", "samples"):
            for answer in (self.answers.get("sample"), self.answers.get("serving_default")):
                if answer is not None and key in answer:
                    return _repeat(answer[key], rows)
        shape = (rows, *(1 if n is None else n for n in tensor.shape[1:]))
        if tensor.dtype == "string":
            return np.full(shape, b"", object)
        if key in LABELS and self.classes:
            return (np.arange(rows) % self.classes).astype(tensor.dtype)
        if tensor.dtype == "int64":
            return np.broadcast_to(np.arange(rows).reshape(-1, *[1] * (len(shape) - 1)), shape).astype(np.int64)
        rng = np.random.default_rng(0)
        if np.issubdtype(tensor.dtype, np.integer):
            return rng.integers(0, 2, shape).astype(tensor.dtype)  # every code has two categories at least
        low = 0.0 if key in ("images", "samples") else -1.0
        return rng.uniform(low, 1.0, shape).astype(tensor.dtype)

    def difference(self, first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> float:
        """The largest difference of two answers' numbers, relative where those are large; infinite for other pictures
        or texts.
        """
        largest = 0.0
        for key, a in first.items():
            b = second[key]
            if a.shape != b.shape:
                return np.inf
            if a.dtype == object:
                if not all(map(self._alike, a.ravel(), b.ravel())):
                    return np.inf
            elif a.size:
                a, b = a.astype(np.float64), b.astype(np.float64)
                apart = float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b))))
                largest = max(largest, np.inf if np.isnan(apart) else apart)
        return largest

    def _alike(self, first, second):
        """Whether two texts are equal or two PNGs show the same to rounding."""
        if first == second:
            return True
        try:
            first, second = (np.asarray(Image.open(io.BytesIO(data)), int) for data in (first, second))
        except OSError:
            return False
        return first.shape == second.shape and np.abs(first - second).max() <= 1 + 255 * self.tolerance

    def check_sample(self) -> str:
        if "sample" not in self.answers or "serving_default" not in self.answers:
            raise _Skipped("needs both")
        differ = 0.0
        for name in (name for name in ("sample", "generate_label") if name in self.answers):
            answer = dict(self.answers[name])
            try:
                again = self.call("serving_default", {"z": answer.pop("z")})
            except KeyError:
                raise _Failed(f"there is no z in {name} and serving_default") from None
            differ = max(differ, self.difference(again, answer))
            if differ > self.tolerance:
                raise _Failed(f"those of {name} differ by {differ:.2g}")
            if self.difference(self.call(name, self.requests[name]), self.answers[name]) > 0:
                raise _Failed(f"the same seeds gave other images of {name} the second time")
        return f"apart {differ:.1g}; the same seeds again: the same images"

    def check_pngs(self):
        pairs = [("png", "serving_default"), ("sample_png", "sample"), ("generate_label_png", "generate_label")]
        pairs = [pair for pair in pairs if all(name in self.answers for name in pair)]
        if not pairs:
            raise _Skipped("there are no PNG signatures, or no images beside them")
        for encoded, plain in pairs:
            inputs = self.requests[encoded]
            images = self.call(plain, inputs)["images"]
            for image, data in zip(images, self.answers[encoded]["image_bytes"], strict=True):
                picture = np.asarray(Image.open(io.BytesIO(data)))
                expected = np.rint(image * 255).astype(np.uint8)
                if np.abs(picture.reshape(expected.shape).astype(int) - expected).max() > 1 + 255 * self.tolerance:
                    raise _Failed(f"{encoded} draws other pixels than {plain}")
        return ", ".join(encoded for encoded, _ in pairs)

    def check_preset(self) -> str:
        if "sample" not in self.answers:
            raise _Skipped("there is no signature sample")
        gan, wrong = self._preset
        found = []
        for name in ("sample", "generate_label"):
            if name not in self.answers:
                continue
            seeds, labels = (self.requests[name].get(key) for key in ("seed", "label"))
            images = gan.generate(len(seeds), int(seeds[0]), labels=labels)
            served = next(value for key, value in self.answers[name].items() if key != "z")
            if served.shape != images.shape:
                raise _Failed(f"generate gives shape {images.shape}, {name} of the version {served.shape}")
            differ = float(np.abs(images - served).max())
            if differ > self.tolerance:
                others = "; the weights are others" if wrong else ""
                raise _Failed(f"those of {name} differ by {differ:.2g}{others}")
            found.append(f"{len(seeds)} seeds{'' if labels is None else ' with labels'}, apart {differ:.1g}")
        return "; ".join(found)

    def check_score(self) -> str:
        if "score" not in self.answers:
            raise _Skipped("there is no answer to look at")
        score = self.answers["score"]["score"]
        kind = self.metadata and self.metadata.get("score")
        if kind == "probability" and not (score.min() >= 0 and score.max() <= 1):
            raise _Failed(f"{METADATA.name} calls them probabilities; they lie {_extent(score)}")
        gan, wrong = self._preset
        if wrong:
            raise _Skipped("the weights are others")
        ours = score_kind(gan.discriminator(tf.zeros((1, *gan.sample_shape)), training=False), gan.loss)
        if kind and kind != ours:
            raise _Failed(f"{METADATA.name} says {kind}; the model that it comes from gives {ours}")
        function, specs = endpoints(gan)["score"]
        expected = function(*(tf.constant(self.requests["score"][spec.name]) for spec in specs))["score"].numpy()
        differ = self.difference({"score": score}, {"score": expected})
        if differ > self.tolerance:
            raise _Failed(f"they differ by {differ:.2g}")
        return f"{ours}, apart {differ:.1g}"

    def check_classes(self) -> str:
        labels = np.arange(self.classes, dtype=np.int32)
        answer = self.call("class_names", {"label": labels})
        names = [name.decode() for name in answer["name"]]
        if "" in names or len(set(names)) != self.classes:
            raise _Failed(f"each needs a name of its own; found {', '.join(map(repr, names))}")
        if self.metadata and self.metadata.get("class_names") != names:
            raise _Failed(f"{METADATA.name} says {self.metadata.get('class_names')}; the graph {names}")
        if not np.array_equal(answer["one_hot"], np.eye(self.classes)):
            raise _Failed("one_hot is not 1 at the label and 0 elsewhere")
        seeds = np.zeros(self.classes, np.int64)
        asked = self.call("generate_label", {"seed": seeds, "label": labels})["z"]
        drawn = self.call("sample", {"seed": seeds})["z"]
        if not np.array_equal(asked[:, -self.classes :], answer["one_hot"]):
            raise _Failed("generate_label draws other classes than it is asked for")
        if self.difference({"z": asked[:, : -self.classes]}, {"z": drawn[:, : -self.classes]}) > self.tolerance:
            raise _Failed("generate_label has other noise than sample has for the same seed")
        for wrong in (-1, self.classes):
            self._check_refusal(wrong)
        return f"{self.classes}: {', '.join(names)}"

    def _check_refusal(self, label):
        """Whoever asks for a class that there is not should read which there are."""
        for name, request in self.requests.items():
            for key in request.keys() & set(LABELS):
                wrong = request[key].copy()
                wrong[-1] = label
                try:
                    self.call(name, {**request, key: wrong})
                except LoadError as error:
                    if f"be from 0 to below {self.classes}" not in str(error):
                        raise _Failed(f"{name} refuses {key} {label} without a reason: {first_line(error)}") from None
                else:
                    raise _Failed(f"{name} answers {key} {label}; there are {self.classes} classes")

    @functools.cached_property
    def _preset(self) -> "tuple[GAN, bool]":
        """What the version was exported from, and whether its weights are others."""
        gan = self.gan or self._preset_at_hand()
        wrong = self.metadata is not None and self.metadata.get("weights_sha256") != weights_digest(gan)
        if wrong and self.gan is None:
            raise _Skipped("the preset at hand has other weights")
        return gan, wrong

    def _preset_at_hand(self):
        from kerasgan import presets

        around = pathlib.Path(self.folder).absolute().parent  # where `export --all` finds it, and puts the version
        preset = around if presets.is_preset(around) else self.metadata and self.metadata.get("preset")
        if not preset:
            raise _Skipped("no preset is named; give one with --preset")
        try:
            return presets.load(preset)
        except ValueError:
            raise _Skipped(f"the preset {preset} is not at hand; give it with --preset") from None

    def check_warmup(self) -> str:
        if not (pathlib.Path(self.folder) / warmup.PATH).is_file():
            raise _Failed(f"there is no {warmup.PATH}; the first requests will be slow")
        seen: dict[str, list[int]] = {}
        try:
            for name, inputs in warmup.read(self.folder):
                if name not in self.signatures:
                    raise _Failed(f"it asks for {name!r}, which is no signature")
                [rows] = {len(value) for value in inputs.values()}
                self._check_answer(name, self.call(name, inputs), rows)
                seen.setdefault(name, []).append(rows)
        except ValueError as error:
            raise _Failed(str(error)) from None
        missing = [name for name in self.signatures if name not in seen]
        if missing:
            raise _Failed(f"it has no request for {', '.join(missing)}")
        for name, sizes in seen.items():
            if tuple(sorted(sizes)) != BATCH_SIZES:
                raise _Failed(f"it asks {name} for {sizes} rows; the allowed batch sizes are {BATCH_SIZES}")
        total = sum(map(len, seen.values()))
        return f"{total} requests: {len(seen)} signatures, rows {', '.join(map(str, BATCH_SIZES))}"

    def check_bad_input(self) -> str:
        if not self.requests:
            raise _Skipped("no signature has answered")
        refused = 0
        for name, request in self.requests.items():
            for key, value in request.items():
                spoiled = [*_spoiled(value, key, self.classes), *([value[:1]] if len(request) > 1 else [])]
                for wrong in spoiled:
                    try:
                        self.call(name, {**request, key: wrong})
                    except LoadError:
                        refused += 1
                    else:
                        raise _Failed(f"{name} answers {key} {list(wrong.shape)} {wrong.dtype} {_extent(wrong)}")
            if self.difference(self.call(name, request), self.answers[name]) > self.tolerance:
                raise _Failed(f"{name} answers otherwise after it")
        return f"{refused} requests: shapes, types, empty, out of range, not finite"

    def check_operations(self) -> str:
        count = 0
        for name, tensors in self.signatures.items():
            for node in nodes_behind(self.graph, tensors["outputs"].values()):
                count += 1
                if node.op in PYTHON:
                    raise _Failed(f"{name} calls Python ({node.op}), which no server has")
                if is_stateful_random(node.op):
                    raise _Failed(f"{name} draws from {node.op}, whose numbers repeat after every restart")
        return f"no Python and no stateful random numbers in {count} nodes"

    def check_kernels(self) -> str:
        names = [name for name in GPU_SIGNATURES if name in self.signatures]
        if not names:
            raise _Skipped(f"there is none of {', '.join(GPU_SIGNATURES)}")
        missing, count = {}, 0
        for name in names:
            nodes = nodes_behind(self.graph, self.signatures[name]["outputs"].values())
            count += len(nodes)
            missing.update({node.op: name for node in nodes if not has_gpu_kernel(node)})
        if missing:
            found = ", ".join(f"{op} (of {name})" for op, name in sorted(missing.items()))
            raise _Failed(f"these operations have none: {found}")
        return f"registered for all {count} nodes of {', '.join(names)}"

    def time(self, name):
        tensors, times = self.signatures[name], {}
        for rows in TIMED_ROWS:
            feeds = {tensors["inputs"][key].name: _repeat(v, rows) for key, v in self.requests[name].items()}
            fetches = [tensor.name for tensor in tensors["outputs"].values()]
            seconds = self.process.time(feeds, fetches, 1)[1]
            repeats = min(11, int(TIMED_SECONDS / seconds[0]))
            if repeats:  # or else the one call must do
                seconds = self.process.time(feeds, fetches, repeats)[1]
            times[rows] = 1e3 * float(np.median(seconds))
        return times


def _outcome(name: str, task: Callable[[], str | None]) -> Check:
    try:
        return Check(name, "ok", task() or "")
    except _Skipped as reason:
        return Check(name, "skipped", str(reason))
    except (_Failed, LoadError) as reason:
        return Check(name, "FAILED", first_line(reason))
    except Exception as error:  # a foreign model's names, types and answers can be anything
        return Check(name, "FAILED", f"it is not as kerasgan writes it ({type(error).__name__}: {first_line(error)})")


def _classes(signatures):
    """How many classes a conditional model says that it has; 0 of any other."""
    one_hot = signatures.get("class_names", {"outputs": {}})["outputs"].get("one_hot")
    return one_hot.shape[1] if one_hot and one_hot.shape and len(one_hot.shape) == 2 and one_hot.shape[1] else 0


def _shape(tensor: Tensor) -> str:
    if tensor.shape is None:
        return "of unknown rank"
    return "[" + ", ".join("B" if n is None else str(n) for n in tensor.shape) + "]"


def _repeat(array, rows):
    return array[np.arange(rows) % len(array)]


def _extent(array: Any) -> str:
    return f"from {array.min()} to {array.max()}" if array.size and array.dtype != object else ""


def _check_output(key, tensor, value, rows):
    if not value.shape or value.shape[0] != rows:
        raise _Failed(f"{key} has shape {list(value.shape)} for {rows} rows")
    if key == "image_bytes":
        if not all(data.startswith(b"\x89PNG\r\n\x1a\n") for data in value):
            raise _Failed("image_bytes are no PNGs")
        return
    if key == "name" and tensor.dtype == "string":
        return
    if tensor.dtype != "float32":
        raise _Failed(f"{key} is {tensor.dtype}; JSON and clients want float32")
    if not np.isfinite(value).all():
        raise _Failed(f"{key} holds NaN or infinite numbers")
    if key in ("images", "categories") and not (value.min() >= 0 and value.max() <= 1):
        raise _Failed(f"{key} leave [0, 1]: {_extent(value)}")
    if key == "categories" and np.abs(value.sum(-1) - 1).max() > 1e-4:
        raise _Failed("the probabilities of categories do not sum to 1")


def _spoiled(value, key, classes):
    """Requests that nothing should answer, made from one that is right."""
    if value.dtype == object:
        return
    yield value[:0]
    if value.ndim > 1:
        yield value[:, :-1] if value.shape[1] > 1 else np.repeat(value, 2, axis=1)
        yield value[0]
    else:
        yield value[:, None]
    yield value.astype(np.float64)
    out_of_range = value.copy()
    if np.issubdtype(value.dtype, np.floating):
        for number in (np.nan, np.inf, *([1.5, -0.5] if key == "images" else [])):
            out_of_range.flat[-1] = number
            yield out_of_range.copy()
    else:
        greatest = [np.iinfo(value.dtype).max] if key in ("categories", *LABELS) else []
        for number in (-1, *greatest, *([classes] if key in LABELS and classes else [])):
            out_of_range.flat[-1] = number
            yield out_of_range.copy()
