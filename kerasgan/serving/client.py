"""A client of TensorFlow Serving for the signatures of a kerasgan servable, over REST or gRPC.

REST needs `requests` alone; gRPC needs `tensorflow-serving-api`, and with it TensorFlow: `pip install
'kerasgan[serving]'`.
"""

import base64
import contextlib
import time
import urllib.parse
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kerasgan.classes import check_labels
from kerasgan.codes import check_codes
from kerasgan.errors import check_whole


class ServingError(RuntimeError):
    """The server could not be reached, or refused; the message carries what it said.

    Attributes:
        code: gRPC's name of the status, such as "INVALID_ARGUMENT" or "UNAVAILABLE", over REST too.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(" ".join(message.split()))  # TensorFlow's own run over several lines
        self.code = code


class Client:
    """One model of a TensorFlow Serving server.

    Args:
        url: "http://host:8501" or "https://..." for REST, "grpc://host:8500" for gRPC without encryption.
        model: the model's name at the server.
        version: a version's number; None is the newest.
        timeout: seconds that a request may take over gRPC; over REST, that the connection and each wait for more of
            the answer may take.
        retries: how often a request is sent again when the server is UNAVAILABLE (it starts, or cannot be reached);
            nothing else is tried twice.
        batch_size: rows per request. A server that batches refuses more than its `max_batch_size`.

    Raises:
        ValueError: an URL of another kind.
        ServingError: `tensorflow-serving-api` is missing for gRPC.
    """

    def __init__(
        self,
        url: str,
        model: str,
        version: int | None = None,
        timeout: float = 30.0,
        retries: int = 3,
        batch_size: int = 32,
    ) -> None:
        for name, number, least in (("batch_size", batch_size, 1), ("retries", retries, 0)):
            check_whole(name, number, least)
        if not timeout > 0:
            raise ValueError(f"timeout must be a number of seconds above 0; found {timeout!r}.")
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https", "grpc") or not parts.netloc:
            raise ValueError(f"A server's URL is http://HOST:8501, https://... or grpc://HOST:8500; found {url!r}.")
        self.url = url.rstrip("/")
        self.model = model
        self.batch_size = batch_size
        self._retries = retries
        self._server: _REST | _GRPC = (_GRPC if parts.scheme == "grpc" else _REST)(self.url, model, version, timeout)
        self._signatures: dict[str, Any] | None = None
        self._class_names: tuple[str, ...] | None = None

    def generate(
        self,
        n: int | None = None,
        *,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        z: ArrayLike | None = None,
        labels: Any = None,
        codes: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """Images, by their number, their seeds, or their latent vectors.

        Args:
            n: how many; image i is that of seed `seed + i`, as `GAN.generate` gives it.
            seed: of the first of n.
            seeds: `[B]` whole numbers, one per image.
            z: float `[B, latent.dim]`.
            labels: of a conditional model, classes in place of those that z or the seeds give: one for all images or a
                list with one for each, each a name of `class_names` or a whole number from 0.
            codes: of an InfoGAN, in place of those that z or the seeds give; as for `GAN.generate`.

        Returns:
            float32 `[B, H, W, C]` in [0, 1], or the samples of a model that makes no images.

        Raises:
            ValueError: not exactly one of n, seeds and z; or of a shape or range that the model does not take; classes
                or codes that there are not.
            ServingError: what the server said.
        """
        signatures = "serving_default", "sample", "generate_label"
        return _drawn(self._draw(signatures, n, seed, seeds, z, labels, codes))

    def draw_latents(
        self,
        n: int | None = None,
        *,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        labels: Any = None,
        codes: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """The z, float32 `[B, latent.dim]`, of the images that `generate` gives for the same arguments. A server sends
        the images along.
        """
        if "z" not in self._signature("sample")["outputs"]:
            raise ValueError(f"sample of {self.model} at {self.url} gives no z; export the model anew.")
        z = self._draw(("", "sample", "generate_label"), n, seed, seeds, None, labels, None)["z"]
        return self._with_parts(z, None, codes)

    def png(
        self,
        n: int | None = None,
        *,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        z: ArrayLike | None = None,
        labels: Any = None,
        codes: dict[str, Any] | None = None,
    ) -> list[bytes]:
        """The same as `generate`, as PNG files."""
        signatures = "png", "sample_png", "generate_label_png"
        return list(self._draw(signatures, n, seed, seeds, z, labels, codes)["image_bytes"])

    def score(self, images: ArrayLike, labels: Any = None) -> np.ndarray:
        """The discriminator's opinion of images: a probability, an energy or a critic's number, as the version's
        `kerasgan.json` says.

        Args:
            images: float `[B, H, W, C]` in [0, 1].
            labels: which class each should be of; needed for a conditional model, and given as for `generate`.

        Returns:
            float32 `[B]`.
        """
        given = self._samples("score", images)
        conditional = "labels" in self._signature("score")["inputs"]
        if conditional and labels is None:
            raise ValueError(f"{self.model} is conditional: its score takes images and labels; found images alone.")
        if labels is not None:
            [images] = given.values()
            given["labels"] = self._labels(labels, images)
        return self._predict("score", given)["score"]

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Of a conditional model, the classes by their labels, as its signature of that name gives them; None of any
        other. The server is asked once.
        """
        if self._class_names is None and "class_names" in self._known_signatures():
            classes = self._signature("class_names")["outputs"]["one_hot"]["shape"][1]
            names = self._predict("class_names", {"label": np.arange(classes)})["name"]
            self._class_names = tuple(name.decode() for name in names)
        return self._class_names

    def codes(self, images: ArrayLike) -> dict[str, np.ndarray]:
        """The codes in images: "categories" `[B, codes, k]` probabilities, "continuous" `[B, codes]`."""
        return self._predict("infer_codes", self._samples("infer_codes", images))

    def generate_codes(
        self, noise: ArrayLike, categories: ArrayLike | None = None, continuous: ArrayLike | None = None
    ) -> np.ndarray:
        """Images with chosen codes.

        Args:
            noise: float `[B, latent.noise]`.
            categories: int `[B, codes]`; left out where the model has no categorical code.
            continuous: float `[B, codes]`; left out where the model has no continuous code.
        """
        given = {"noise": noise, "categories": categories, "continuous": continuous}
        return _drawn(
            self._predict("generate_codes", {key: value for key, value in given.items() if value is not None})
        )

    def metadata(self) -> dict[str, Any]:
        """`{"model", "version", "signatures": {name: {"inputs" and "outputs": {key: {"dtype", "shape"}}}}}`; None
        stands in a shape where any number will do.
        """
        return self._retrying(self._server.metadata)

    def ready(self) -> bool:
        """Whether the server answers and has the model's version loaded."""
        try:
            return self._server.ready()
        except ServingError:
            return False

    def _draw(self, signatures, n, seed, seeds, z, labels, codes):
        if (n is not None) + (seeds is not None) + (z is not None) != 1:
            raise ValueError("Give one of n, seeds and z.")
        by_z, by_seed, by_label = signatures
        if n is not None:
            if n < 1:
                raise ValueError(f"n must be at least 1; found {n}.")
            seeds = range(seed, seed + n)
        if codes is not None and z is None:
            z = self.draw_latents(seeds=seeds)
        if z is not None:
            z = _checked("z", z, **self._signature(by_z)["inputs"]["z"])
            return self._predict(by_z, {"z": self._with_parts(z, labels, codes)})
        seeds = list(seeds)
        if labels is None:
            return self._predict(by_seed, {"seed": seeds})
        return self._predict(by_label, {"seed": seeds, "label": self._labels(labels, seeds)})

    def _with_parts(self, z, labels, codes):
        """z `[B, dim]` with other labels and codes, which stand behind its noise."""
        z = np.array(z)
        if labels is not None:
            labels, classes = self._labels(labels, z), len(self.class_names or ())
            z[:, -classes:] = np.eye(classes)[labels]
        if codes is not None:
            takes = self._signature("generate_codes")["inputs"]
            noise, count, continuous = (takes[k]["shape"][1] if k in takes else 0 for k in CODED)
            end = z.shape[1] - continuous
            size = (end - noise) // max(count, 1)
            # The largest size is all that signatures tell: where so many fill the place, all codes have it.
            several = count > 1 and "categorical" in codes
            if several and self._signature("infer_codes")["outputs"]["categories"]["shape"][2] * count != end - noise:
                raise ValueError(f"How many categories each code of {self.model} has, {self.url} does not say.")
            codes = check_codes(codes, len(z), [size] * count, continuous)
            if "categorical" in codes:
                z[:, noise:end] = np.eye(size)[codes["categorical"]].reshape(len(z), -1)
            if "continuous" in codes:
                z[:, end:] = codes["continuous"]
        return z

    def _labels(self, labels, samples):
        """Whole numbers for the classes that are asked for, one for each of the samples."""
        if self.class_names is None:
            raise ValueError(f"{self.model} at {self.url} knows no classes; leave labels out.")
        return check_labels(labels, len(samples), self.class_names)

    def _samples(self, signature, images):
        inputs = self._signature(signature)["inputs"]
        return {key: _checked(key, images, **form) for key, form in inputs.items() if key != "labels"}

    def _known_signatures(self):
        if self._signatures is None:
            self._signatures = self.metadata()["signatures"]
        return self._signatures

    def _signature(self, name):
        known = self._known_signatures()
        if name not in known:
            raise ValueError(
                f"{self.model} at {self.url} has no signature {name!r}; it has {', '.join(sorted(known))}."
            )
        signature = known[name]
        if not OUTPUTS[name] & set(signature["outputs"]):
            raise ValueError(
                f"{name} of {self.model} at {self.url} is not kerasgan's: it gives {', '.join(signature['outputs'])}, "
                f"and should give {' or '.join(sorted(OUTPUTS[name]))}."
            )
        return signature

    def _predict(self, signature, inputs):
        expected = self._signature(signature)["inputs"]
        if set(inputs) != set(expected):
            raise ValueError(
                f"{signature} of {self.model} takes {', '.join(sorted(expected))}; found {', '.join(sorted(inputs))}."
            )
        inputs = {key: _checked(key, value, **expected[key]) for key, value in inputs.items()}
        sizes = {key: len(value) for key, value in inputs.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"The inputs of {signature} must have equally many rows; found {sizes}.")
        outputs = self._signature(signature)["outputs"]
        parts = []
        for start in range(0, max(sizes.values()), self.batch_size):
            rows = {key: value[start : start + self.batch_size] for key, value in inputs.items()}
            part = self._retrying(lambda rows=rows: self._server.predict(signature, rows, outputs))
            found = {len(value) if value.ndim else None for value in part.values()}
            if found != {len(next(iter(rows.values())))}:
                raise ServingError("INTERNAL", f"{self.url} answered {signature} with {found} rows.")
            parts.append(part)
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    def _retrying(self, request):
        for attempt in range(self._retries + 1):
            try:
                return request()
            except ServingError as error:
                if error.code != "UNAVAILABLE" or attempt == self._retries:
                    raise
                time.sleep(min(0.1 * 2**attempt, 2.0))
        raise AssertionError("the last attempt returns or raises")


CODED = "noise", "categories", "continuous"  # what generate_codes takes, as it stands in z

# Of each signature, what one of the outputs must be called.
OUTPUTS = {
    "serving_default": {"images", "samples"},
    "sample": {"images", "samples"},
    "png": {"image_bytes"},
    "sample_png": {"image_bytes"},
    "score": {"score"},
    "generate_codes": {"images", "samples"},
    "infer_codes": {"categories", "continuous"},
    "generate_label": {"images", "samples"},
    "generate_label_png": {"image_bytes"},
    "class_names": {"one_hot"},
}


def _drawn(answer):
    return answer["images"] if "images" in answer else answer["samples"]


def _checked(key, value, dtype, shape):
    """The array that the server wants, or a ValueError; what strangers' requests are joined with should be right."""
    form = f"{key} must be {dtype} of shape ({', '.join('B' if n is None else str(n) for n in shape)})"
    try:
        array = np.asarray(value)
        with np.errstate(over="ignore"):  # becomes infinite, which is refused below
            numbers = array.astype(dtype)
        whole = np.issubdtype(dtype, np.floating) or (numbers == array).all()
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{form}; found {value!r:.60}.") from None
    fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
    if not fits or not len(array):
        raise ValueError(f"{form}, with one row at least; found shape {array.shape}.")
    if not whole or not np.isfinite(numbers).all():
        raise ValueError(f"{form}, finite and whole where it is an integer.")
    return numbers


@contextlib.contextmanager
def _expected_of(url):
    """Turns an answer of another form than TensorFlow Serving's into an error that says so."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServingError("INTERNAL", f"{url} does not speak as TensorFlow Serving does ({error!r}).") from None


class _REST:
    def __init__(self, url: str, model: str, version: int | None, timeout: float) -> None:
        try:
            import requests  # noqa: F401
        except ImportError as error:
            raise ServingError("UNIMPLEMENTED", f"REST needs requests ({error}): pip install requests.") from None
        self._base = f"{url}/v1/models/{urllib.parse.quote(model, safe='')}"
        self._base += "" if version is None else f"/versions/{version}"
        self._timeout = timeout

    def predict(self, signature, inputs, outputs):
        columns = {key: value.tolist() for key, value in inputs.items()}
        answer = self._send("POST", ":predict", {"signature_name": signature, "inputs": columns})
        with _expected_of(self._base):
            answer = answer["outputs"]
            if len(outputs) == 1:
                answer = dict.fromkeys(outputs, answer)  # a lone output comes without its name
            return {key: _from_json(answer[key], outputs[key]["dtype"]) for key in outputs}

    def metadata(self):
        answer = self._send("GET", "/metadata")
        with _expected_of(self._base):
            signatures = {
                name: {
                    side: {key: _from_info(info) for key, info in signature.get(side, {}).items()}
                    for side in ("inputs", "outputs")
                }
                for name, signature in answer["metadata"]["signature_def"]["signature_def"].items()
                if not name.startswith("__")
            }
            spec = answer["model_spec"]
            return {"model": spec["name"], "version": int(spec["version"]), "signatures": signatures}

    def ready(self):
        answer = self._send("GET", "")
        with _expected_of(self._base):
            return any(state["state"] == "AVAILABLE" for state in answer["model_version_status"])

    def _send(self, method, path, body=None):
        import requests

        url = self._base + path
        late = ServingError("DEADLINE_EXCEEDED", f"{url} did not answer in {self._timeout:g} s.")
        try:
            answer = requests.request(method, url, json=body, timeout=self._timeout)
        except requests.Timeout:
            raise late from None
        except (requests.exceptions.SSLError, requests.exceptions.ProxyError) as error:
            raise ServingError("UNKNOWN", f"{url}: {error}") from None
        except requests.ConnectionError as error:
            if "timed out" in str(error):  # in the midst of the body
                raise late from None
            raise ServingError("UNAVAILABLE", f"No server answers at {url} ({_innermost(error)}).") from None
        except requests.RequestException as error:
            raise ServingError("UNKNOWN", f"{url}: {error}") from None
        try:
            content = answer.json()
        except ValueError:
            content = {"error": answer.text.strip()[:200] or answer.reason}
        text = content.get("error") if isinstance(content, dict) else None
        if not answer.ok or text:
            raise ServingError(_HTTP_CODES.get(answer.status_code, "UNKNOWN"), f"{url} says: {text or answer.reason}")
        return content


def _innermost(error):
    """What the system said: requests wraps it several times."""
    while error.__context__ is not None:
        error = error.__context__
    return error


# What TensorFlow Serving's REST server makes of its own statuses (model_servers/http_server.cc).
_HTTP_CODES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def _from_json(value, dtype):
    if dtype == "string":
        texts = np.empty(len(value), object)
        # Base64 where the output's name ends in _bytes, plain text elsewhere.
        texts[:] = [item.encode() if isinstance(item, str) else base64.b64decode(item["b64"]) for item in value]
        return texts
    return np.asarray(value, dtype)


_DTYPES = {"DT_FLOAT": "float32", "DT_INT32": "int32", "DT_INT64": "int64", "DT_STRING": "string"}


def _from_info(info):
    """A TensorInfo, as protocol buffers' JSON writes it."""
    sizes = [int(dim["size"]) for dim in info["tensor_shape"].get("dim", [])]
    return {"dtype": _DTYPES.get(info["dtype"], info["dtype"]), "shape": [None if n < 0 else n for n in sizes]}


class _GRPC:
    def __init__(self, url: str, model: str, version: int | None, timeout: float) -> None:
        try:
            import grpc
            from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
        except ImportError as error:
            raise ServingError(
                "UNIMPLEMENTED", f"gRPC needs tensorflow-serving-api ({error}): pip install 'kerasgan[serving]'."
            ) from None
        # gRPC's own limit is 4 MB, which a batch of 32 images of 128x128x3 exceeds; the server sets none.
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        # By itself it connects anew after a second only, when our attempts at a server that starts are all over.
        options += [("grpc.initial_reconnect_backoff_ms", 100)]
        self._target = url.removeprefix("grpc://")
        self._channel = grpc.insecure_channel(self._target, options=options)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self._model, self._version, self._timeout = model, version, timeout

    def predict(self, signature, inputs, outputs):
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = self._specified(predict_pb2.PredictRequest())
        request.model_spec.signature_name = signature
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        # No output_filter: TensorFlow Serving does not batch requests that leave outputs out.
        answer = self._send(self._predictions.Predict, request)
        return {key: tf.make_ndarray(answer.outputs[key]) for key in outputs}

    def metadata(self):
        import tensorflow as tf
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = self._specified(get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]))
        answer = self._send(self._predictions.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)

        def described(infos):
            return {
                key: {
                    "dtype": tf.as_dtype(info.dtype).name,
                    "shape": [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim],
                }
                for key, info in infos.items()
            }

        signatures = {
            name: {"inputs": described(signature.inputs), "outputs": described(signature.outputs)}
            for name, signature in found.signature_def.items()
            if not name.startswith("__")
        }
        return {
            "model": answer.model_spec.name,
            "version": answer.model_spec.version.value,
            "signatures": signatures,
        }

    def ready(self):
        from tensorflow_serving.apis import get_model_status_pb2

        request = self._specified(get_model_status_pb2.GetModelStatusRequest())
        states = self._send(self._models.GetModelStatus, request).model_version_status
        return any(state.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE for state in states)

    def _specified(self, request):
        request.model_spec.name = self._model
        if self._version is not None:
            request.model_spec.version.value = self._version
        return request

    def _send(self, method, request):
        import grpc

        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise ServingError(error.code().name, f"{self._target} says: {error.details()}") from None
