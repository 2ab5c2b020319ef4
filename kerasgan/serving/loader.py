"""TensorFlow's own C++ SavedModel loader, in a process that has not imported TensorFlow for Python.

TensorFlow Serving loads a version with `LoadSessionFromSavedModel` and answers with `Session::Run`; so does `Session`
here, through the C API of the pip package's shared library. Python's `tf.saved_model.load` would resolve variables
that this loader, and so a server, does not find.

`Process` runs a `Session` in a process of its own: a library that crashes then takes nothing with it, and one that has
been told to refuse XLA does not refuse it to the caller. The two talk over pipes, a line of JSON and then the arrays'
bytes.
"""

import contextlib
import ctypes
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

# TF_DataType, tensorflow/c/tf_datatype.h. Strings are handled apart; half and bfloat16 do not leave a servable.
DTYPES: dict[int, np.dtype] = {
    1: np.dtype(np.float32),
    2: np.dtype(np.float64),
    3: np.dtype(np.int32),
    4: np.dtype(np.uint8),
    5: np.dtype(np.int16),
    6: np.dtype(np.int8),
    9: np.dtype(np.int64),
    10: np.dtype(np.bool_),
    19: np.dtype(np.float16),
    22: np.dtype(np.uint32),
    23: np.dtype(np.uint64),
}
STRING = 7
_CODES = {dtype: code for code, dtype in DTYPES.items()}
_TSTRING_SIZE = 24


class LoadError(RuntimeError):
    """The loader refused a SavedModel, or a call of it; the message is TensorFlow's own."""


class _Output(ctypes.Structure):
    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


class Session:
    """A loaded SavedModel.

    Args:
        folder: one version's folder, which holds `saved_model.pb`.
        xla: False disables XLA for the whole process, as TensorFlow Serving does when it starts.

    Raises:
        LoadError: TensorFlow is not installed as a wheel with a C API, or it does not load the folder.
    """

    def __init__(self, folder: str | os.PathLike, xla: bool = False) -> None:
        self._tf = _library()
        if not xla:
            self._tf["_ZN10tensorflow21DisableXlaCompilationEv"]()  # tensorflow::DisableXlaCompilation()
        self._graph = ctypes.c_void_p(self._call("TF_NewGraph", ctypes.c_void_p))
        options = ctypes.c_void_p(self._call("TF_NewSessionOptions", ctypes.c_void_p))
        tags = (ctypes.c_char_p * 1)(b"serve")
        try:
            with self._status() as status:
                session = self._call(
                    "TF_LoadSessionFromSavedModel",
                    ctypes.c_void_p,
                    *(options, None, str(folder).encode(), tags, ctypes.c_int(1), self._graph, None, status),
                )
        except LoadError:
            self._call("TF_DeleteGraph", None, self._graph)
            raise
        finally:
            self._call("TF_DeleteSessionOptions", None, options)
        self._session = ctypes.c_void_p(session)

    def run(self, feeds: dict[str, np.ndarray], fetches: list[str]) -> list[np.ndarray]:
        """One `Session::Run`; several threads may call it at once.

        Args:
            feeds: arrays by tensor name, such as "serving_default_z:0".
            fetches: names of the tensors to return.

        Returns:
            The tensors in that order; strings come as arrays of `bytes` objects.

        Raises:
            LoadError: an unknown tensor, a type that the C API cannot hold, or the graph failed.
        """
        keys = (_Output * len(feeds))(*map(self._output, feeds))
        wanted = (_Output * len(fetches))(*map(self._output, fetches))
        given = []
        results = (ctypes.c_void_p * len(fetches))()
        try:
            for array in feeds.values():
                given.append(self._to_tensor(array))
            with self._status() as status:
                self._call(
                    "TF_SessionRun",
                    None,
                    *(self._session, None, keys, (ctypes.c_void_p * len(given))(*given), ctypes.c_int(len(given))),
                    *(wanted, results, ctypes.c_int(len(fetches)), None, ctypes.c_int(0), None, status),
                )
            return [self._to_array(ctypes.c_void_p(result)) for result in results]
        finally:
            for tensor in [*given, *filter(None, results)]:
                self._call("TF_DeleteTensor", None, ctypes.c_void_p(tensor))

    def _call(self, name, result, *arguments):
        function = self._tf[name]
        function.restype = result
        return function(*arguments)

    @contextlib.contextmanager
    def _status(self):
        """A status for one call, which is raised if it is an error: calls of several threads must not share one."""
        status = ctypes.c_void_p(self._call("TF_NewStatus", ctypes.c_void_p))
        try:
            yield status
            if self._call("TF_GetCode", ctypes.c_int, status):
                raise LoadError(self._call("TF_Message", ctypes.c_char_p, status).decode(errors="replace"))
        finally:
            self._call("TF_DeleteStatus", None, status)

    def _output(self, tensor_name):
        name, _, index = tensor_name.rpartition(":")
        operation = self._call("TF_GraphOperationByName", ctypes.c_void_p, self._graph, name.encode())
        if operation is None:
            raise LoadError(f"The graph has no tensor {tensor_name!r}.")
        return _Output(operation, int(index))

    def _to_tensor(self, array):
        if array.dtype == object:
            return self._to_string_tensor(array)
        if array.dtype not in _CODES:
            raise LoadError(f"Tensors of type {array.dtype} cannot be fed.")
        array = np.ascontiguousarray(array)
        tensor, data = self._allocate(_CODES[array.dtype], array.shape, array.nbytes)
        ctypes.memmove(data, array.ctypes.data, array.nbytes)
        return tensor

    def _to_string_tensor(self, array):
        tensor, data = self._allocate(STRING, array.shape, array.size * _TSTRING_SIZE)
        for i, text in enumerate(array.ravel()):
            place = ctypes.c_void_p(data + i * _TSTRING_SIZE)
            self._call("TF_StringInit", None, place)
            self._call("TF_StringCopy", None, place, ctypes.c_char_p(text), ctypes.c_size_t(len(text)))
        return tensor

    def _allocate(self, code, shape, size):
        """A new tensor, and the address of its `size` bytes."""
        sizes = (ctypes.c_int64 * len(shape))(*shape)
        tensor = self._call(
            "TF_AllocateTensor",
            ctypes.c_void_p,
            *(ctypes.c_int(code), sizes, ctypes.c_int(len(shape)), ctypes.c_size_t(size)),
        )
        return tensor, self._call("TF_TensorData", ctypes.c_void_p, ctypes.c_void_p(tensor))

    def _to_array(self, tensor):
        code = self._call("TF_TensorType", ctypes.c_int, tensor)
        rank = self._call("TF_NumDims", ctypes.c_int, tensor)
        shape = [self._call("TF_Dim", ctypes.c_int64, tensor, ctypes.c_int(i)) for i in range(rank)]
        data = self._call("TF_TensorData", ctypes.c_void_p, tensor)
        if code == STRING:
            texts = np.empty(int(np.prod(shape)), object)
            for i in range(texts.size):
                place = ctypes.c_void_p(data + i * _TSTRING_SIZE)
                size = self._call("TF_StringGetSize", ctypes.c_size_t, place)
                texts[i] = ctypes.string_at(self._call("TF_StringGetDataPointer", ctypes.c_void_p, place), size)
            return texts.reshape(shape)
        if code not in DTYPES:
            raise LoadError(f"The output has TensorFlow's data type {code}, which has no place in JSON or NumPy.")
        array = np.empty(shape, DTYPES[code])
        ctypes.memmove(array.ctypes.data, data, array.nbytes)
        return array

    def close(self) -> None:
        """Frees the model."""
        with self._status() as status:
            self._call("TF_CloseSession", None, self._session, status)
            self._call("TF_DeleteSession", None, self._session, status)
        self._call("TF_DeleteGraph", None, self._graph)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _library():
    spec = importlib.util.find_spec("tensorflow")  # finds the package without importing it
    places = spec.submodule_search_locations if spec else None
    folder = pathlib.Path(places[0]) if places else pathlib.Path()
    found = sorted(folder.glob("libtensorflow_cc.so.*")) + sorted(folder.glob("libtensorflow_cc.*.dylib"))
    if not found:
        raise LoadError("TensorFlow's shared library libtensorflow_cc is not in this environment.")
    # Its symbols stay private: made global, they clash with those of other extension modules.
    return ctypes.CDLL(str(found[0]), mode=os.RTLD_LOCAL)


class Process:
    """A `Session` in a process of its own.

    Args:
        folder, xla: as for `Session`.
        seconds: how long one request may take before the process is killed.

    Raises:
        LoadError: as `Session`, and where the process dies or takes too long; every later request raises it too.
    """

    def __init__(self, folder: str | os.PathLike, xla: bool = False, seconds: float = 600.0) -> None:
        self._seconds = seconds
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kerasgan.serving.loader", str(folder), *(["--xla"] if xla else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions, self._answers = self._process.stdin, self._process.stdout
        try:
            self._receive()
        except BaseException:
            self._process.kill()
            self.close()
            raise

    def run(self, feeds: dict[str, np.ndarray], fetches: list[str]) -> list[np.ndarray]:
        """As `Session.run`."""
        return self.time(feeds, fetches, 1)[0]

    def time(
        self, feeds: dict[str, np.ndarray], fetches: list[str], repeats: int
    ) -> tuple[list[np.ndarray], list[float]]:
        """Runs the same call `repeats` times: the last one's results, and each one's seconds inside the process."""
        with contextlib.suppress(BrokenPipeError):  # it has died; receiving says how
            _send(self._questions, list(feeds.values()), feeds=list(feeds), fetches=fetches, repeats=repeats)
        header, arrays = self._receive()
        return arrays, header["seconds"]

    def _receive(self):
        alarm = threading.Timer(self._seconds, self._process.kill)
        alarm.start()
        try:
            answer = _receive(self._answers)
            late = not alarm.is_alive()
        finally:
            alarm.cancel()
        if answer is None:
            code = self._process.wait()
            if late:
                raise LoadError(f"TensorFlow's loader had no answer in {self._seconds:g} s and was killed")
            self._messages.seek(0)
            lines = self._messages.read().decode(errors="replace").splitlines()
            lines = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith(("@", "***"))]
            how = f"signal {-code}" if code < 0 else f"exit status {code}"
            raise LoadError(f"TensorFlow's loader died ({how}): {lines[-1] if lines else 'it said nothing'}")
        if "error" in answer[0]:
            raise LoadError(answer[0]["error"])
        return answer

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(BrokenPipeError):  # what a dead one has not read
            self._questions.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
        self._messages.close()

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is not None:
            self._process.kill()  # it may be in the midst of a call that never ends
        self.close()


def _send(stream, arrays, **header):
    """Strings travel as their bytes with the lengths in the header."""
    forms, payload = [], []
    for array in arrays:
        if array.dtype == object:
            lengths = [len(text) for text in array.ravel()]
            forms.append({"shape": array.shape, "lengths": lengths})
            payload.append(b"".join(array.ravel()))
        else:
            forms.append({"shape": array.shape, "dtype": array.dtype.str})
            payload.append(np.ascontiguousarray(array).tobytes())
    header["arrays"] = [{**form, "bytes": len(data)} for form, data in zip(forms, payload, strict=True)]
    stream.write(json.dumps(header).encode() + b"\n")
    for data in payload:
        stream.write(data)
    stream.flush()


def _receive(stream):
    """`(header, arrays)`, or None at the end of the stream."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    header, arrays = json.loads(line), []
    for form in header["arrays"]:
        data = stream.read(form["bytes"])
        if "lengths" in form:
            array, start = np.empty(len(form["lengths"]), object), 0
            for i, length in enumerate(form["lengths"]):
                array[i], start = data[start : start + length], start + length
        else:
            array = np.frombuffer(data, form["dtype"])
        arrays.append(array.reshape(form["shape"]))
    return header, arrays


def _serve(folder, xla):
    """Answers the requests of a `Process` until its end."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints must not stand among the answers
    try:
        session = Session(folder, xla)
    except LoadError as error:
        _send(answers, [], error=str(error))
        return
    _send(answers, [])
    while (request := _receive(sys.stdin.buffer)) is not None:
        header, arrays = request
        seconds = []
        try:
            for _ in range(header["repeats"]):
                start = time.perf_counter()
                results = session.run(dict(zip(header["feeds"], arrays, strict=True)), header["fetches"])
                seconds.append(time.perf_counter() - start)
        except LoadError as error:
            _send(answers, [], error=str(error))
        else:
            _send(answers, results, seconds=seconds)


if __name__ == "__main__":
    _serve(sys.argv[1], "--xla" in sys.argv[2:])
