"""A stand-in for TensorFlow Serving, for the tests: it is not TensorFlow Serving.

It speaks the parts of TensorFlow Serving's REST and gRPC interfaces that kerasgan's client uses, over real sockets on
loopback, and answers with TensorFlow's C++ loader (`kerasgan.serving.loader.Session`), XLA disabled. It reads
`models.config`, loads each model's newest version, and replays its warm-up requests before it is ready. It does not
batch, does not watch for new versions, and knows one version per model.

    python stand_in.py REPOSITORY [--unavailable=N]

prints {"rest": port, "grpc": port} when it is ready. The first N predictions are answered with UNAVAILABLE.
"""

import base64
import concurrent.futures
import http.server
import itertools
import json
import pathlib
import re
import sys
import threading

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format, text_format
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from kerasgan.serving.loader import LoadError, Session
from kerasgan.serving.savedmodel import read_graph, versions

GRPC = grpc.StatusCode
HTTP = {GRPC.INVALID_ARGUMENT: 400, GRPC.NOT_FOUND: 404, GRPC.UNAVAILABLE: 503}
AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE


class Refusal(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Model:
    def __init__(self, name, folder):
        self.name = name
        self.version = versions(folder)[-1]
        path = folder / str(self.version)
        self.signatures = read_graph(path).signature_def
        self.session = Session(path)
        for record in tf.data.TFRecordDataset(str(path / "assets.extra" / "tf_serving_warmup_requests")):
            request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
            inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            self.predict(request.model_spec.signature_name, inputs)

    def signature_map(self):
        """What GetModelMetadata answers."""
        answer = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in self.signatures.items():
            answer.signature_def[name].CopyFrom(signature)
        return answer

    def predict(self, signature_name, inputs):
        signature = self.signatures.get(signature_name)
        if signature is None:
            raise Refusal(GRPC.INVALID_ARGUMENT, f'Serving signature name: "{signature_name}" not found in graph')
        if set(inputs) != set(signature.inputs):
            raise Refusal(
                GRPC.INVALID_ARGUMENT,
                f"input keys {sorted(inputs)} are not those of the signature {sorted(signature.inputs)}",
            )
        feeds = {signature.inputs[key].name: value for key, value in inputs.items()}
        try:
            results = self.session.run(feeds, [info.name for info in signature.outputs.values()])
        except LoadError as error:
            raise Refusal(GRPC.INVALID_ARGUMENT, str(error)) from None
        return dict(zip(signature.outputs, results, strict=True))


class Server:
    def __init__(self, repository, unavailable):
        config = text_format.Parse(
            (repository / "models.config").read_text(), model_server_config_pb2.ModelServerConfig()
        )
        self.models = {
            entry.name: Model(entry.name, repository / pathlib.PurePosixPath(entry.base_path).name)
            for entry in config.model_config_list.config
        }
        self.refusals = itertools.count(-unavailable)
        self.lock = threading.Lock()

    def model(self, name, version=None):
        model = self.models.get(name)
        if model is None or version not in (None, model.version):
            raise Refusal(GRPC.NOT_FOUND, f"Servable not found for request: Latest({name})")
        return model

    def predict(self, model, signature_name, inputs):
        with self.lock:
            refuse = next(self.refusals) < 0
        if refuse:
            raise Refusal(GRPC.UNAVAILABLE, "the stand-in was told to be unavailable")
        return model.predict(signature_name or "serving_default", inputs)


def decimal(number):
    """As TensorFlow Serving writes a float: six digits where they are enough, else nine."""
    short = f"{number:.6g}"
    text = short if np.float32(short) == number else f"{number:.9g}"
    return text if "." in text or "e" in text else text + ".0"


def to_json(array, name):
    if array.dtype == object:
        values = [
            {"b64": base64.b64encode(text).decode()} if name.endswith("_bytes") else text.decode() for text in array
        ]
        return json.dumps(values)
    if array.ndim == 0:
        return decimal(array) if array.dtype == np.float32 else str(array)
    return "[" + ",".join(to_json(row, name) for row in array) + "]"


def handler(server):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments):
            pass

        def answer(self, work):
            try:
                status, text = 200, work()
            except Refusal as refusal:
                status, text = HTTP[refusal.code], json.dumps({"error": str(refusal)})
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def model(self, verb):
            match = re.fullmatch(rf"/v1/models/([^/:]+)(?:/versions/(\d+))?{verb}", self.path)
            if not match:
                raise Refusal(GRPC.INVALID_ARGUMENT, f"Malformed request: {self.command} {self.path}")
            return server.model(match.group(1), match.group(2) and int(match.group(2)))

        def do_GET(self):
            self.answer(self.metadata if self.path.endswith("/metadata") else self.status)

        def status(self):
            status = {"version": str(self.model("").version), "state": "AVAILABLE"}
            return json.dumps(
                {"model_version_status": [{**status, "status": {"error_code": "OK", "error_message": ""}}]}
            )

        def metadata(self):
            model = self.model("/metadata")
            described = json_format.MessageToDict(
                model.signature_map(), preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
            spec = {"name": model.name, "signature_name": "", "version": str(model.version)}
            return json.dumps({"model_spec": spec, "metadata": {"signature_def": described}})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(lambda: self.predict(body))

        def predict(self, body):
            model = self.model(":predict")
            try:
                request = json.loads(body)
                signature_name = request.get("signature_name", "serving_default")
                infos = model.signatures[signature_name].inputs if signature_name in model.signatures else {}
                rows = request.get("instances")
                columns = request.get("inputs") if rows is None else None
                if rows is not None:
                    if not all(isinstance(row, dict) for row in rows):
                        rows = [dict.fromkeys(infos, row) for row in rows]  # a lone input goes without its name
                    columns = {key: [row[key] for row in rows] for key in rows[0]}
                elif not isinstance(columns, dict):
                    columns = dict.fromkeys(infos, columns)
                inputs = {
                    key: np.asarray(value, tf.as_dtype(infos[key].dtype).as_numpy_dtype if key in infos else None)
                    for key, value in columns.items()
                }
            except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
                raise Refusal(GRPC.INVALID_ARGUMENT, f"Failed to process request: {error!r}") from None
            outputs = server.predict(model, signature_name, inputs)
            if rows is None:
                texts = {name: to_json(array, name) for name, array in outputs.items()}
                return '{"outputs": ' + self.named(texts) + "}"
            texts = [
                self.named({name: to_json(array[i : i + 1], name)[1:-1] for name, array in outputs.items()})
                for i in range(len(next(iter(outputs.values()))))
            ]
            return '{"predictions": [' + ",".join(texts) + "]}"

        def named(self, texts):
            if len(texts) == 1:
                return next(iter(texts.values()))
            return "{" + ",".join(f'"{name}": {text}' for name, text in texts.items()) + "}"

    return Handler


class Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, server):
        self.server = server

    def Predict(self, request, context):
        try:
            model = self.server.model(request.model_spec.name, asked_version(request))
            inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            outputs = self.server.predict(model, request.model_spec.signature_name, inputs)
        except Refusal as refusal:
            context.abort(refusal.code, str(refusal))
        response = predict_pb2.PredictResponse()
        for key, array in outputs.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(array))
        return response

    def GetModelMetadata(self, request, context):
        try:
            model = self.server.model(request.model_spec.name, asked_version(request))
        except Refusal as refusal:
            context.abort(refusal.code, str(refusal))
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = model.name
        response.model_spec.version.value = model.version
        response.metadata["signature_def"].Pack(model.signature_map())
        return response


class Models(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, server):
        self.server = server

    def GetModelStatus(self, request, context):
        try:
            model = self.server.model(request.model_spec.name, asked_version(request))
        except Refusal as refusal:
            context.abort(refusal.code, str(refusal))
        response = get_model_status_pb2.GetModelStatusResponse()
        response.model_version_status.add(version=model.version, state=AVAILABLE)
        return response


def asked_version(request):
    return request.model_spec.version.value if request.model_spec.HasField("version") else None


def main(repository, *options):
    [unavailable] = [option.removeprefix("--unavailable=") for option in options] or [0]
    server = Server(pathlib.Path(repository), int(unavailable))
    rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(server))
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    remote = grpc.server(concurrent.futures.ThreadPoolExecutor(4), options=unlimited)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Predictions(server), remote)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Models(server), remote)
    port = remote.add_insecure_port("127.0.0.1:0")
    remote.start()
    print(json.dumps({"rest": rest.server_address[1], "grpc": port}), flush=True)
    rest.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
