"""The client over real sockets, against the stand-in of TensorFlow Serving (see stand_in.py, which it is not)."""

import contextlib
import importlib.util
import io
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import requests
from conftest import coded_gan, small_gan
from PIL import Image

from kerasgan import cli
from kerasgan.serving import Client, repository
from kerasgan.serving.client import ServingError


@pytest.fixture(scope="module")
def gan():
    return small_gan()


@pytest.fixture(scope="module")
def folder(gan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    gan.save_to_preset(folder / "small")
    coded_gan().save_to_preset(folder / "coded")
    assert len(list(repository.publish_all(folder))) == 2
    return folder


@contextlib.contextmanager
def stand_in(folder, *options):
    process = subprocess.Popen(
        [sys.executable, str(pathlib.Path(__file__).with_name("stand_in.py")), str(folder), *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
    )
    try:
        alarm = threading.Timer(120, process.kill)  # or a stand-in that hangs would hang the tests
        alarm.start()
        ports = json.loads(process.stdout.readline())
        alarm.cancel()
        yield {"rest": f"http://127.0.0.1:{ports['rest']}", "grpc": f"grpc://127.0.0.1:{ports['grpc']}"}
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def urls(folder):
    with stand_in(folder) as urls:
        yield urls


@pytest.fixture(params=["rest", "grpc"])
def url(request, urls):
    return urls[request.param]


def test_unavailable_is_tried_again_and_no_other_error(folder):
    with stand_in(folder, "--unavailable=2") as urls:  # it refuses the first two predictions
        with pytest.raises(ServingError, match="told to be unavailable") as refusal:
            Client(urls["rest"], "small", retries=0).generate(1)
        assert refusal.value.code == "UNAVAILABLE"
        assert Client(urls["grpc"], "small", retries=1).generate(1).shape == (1, 8, 8, 1)
        start = time.perf_counter()
        with pytest.raises(ServingError) as refusal:
            Client(urls["rest"], "small", retries=20).generate(seeds=[-1])
        assert refusal.value.code == "INVALID_ARGUMENT"
        assert time.perf_counter() - start < 2


def test_grpc_finds_a_server_that_starts_late(urls):
    """gRPC by itself tries a refused connection again after a second only; REST connects anew each time."""
    target = int(urls["grpc"].rpartition(":")[2])

    def forward_late(listener):
        time.sleep(0.3)
        listener.listen()
        with contextlib.suppress(OSError):
            while True:
                ours, _ = listener.accept()
                theirs = socket.create_connection(("127.0.0.1", target))
                for a, b in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=forward, args=(a, b), daemon=True).start()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        threading.Thread(target=forward_late, args=(listener,), daemon=True).start()
        client = Client(f"grpc://127.0.0.1:{listener.getsockname()[1]}", "small")
        assert client.generate(1).shape == (1, 8, 8, 1)


def forward(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


def test_images(url, gan):
    client = Client(url, "small", batch_size=4)
    assert client.ready()
    expected = gan.generate(10, seed=3)
    np.testing.assert_allclose(client.generate(10, seed=3), expected, atol=1e-6)
    np.testing.assert_allclose(client.generate(seeds=[12, 3]), expected[[9, 0]], atol=1e-6)
    z = gan.latent.from_seeds([4]).numpy()
    np.testing.assert_allclose(client.generate(z=z), expected[1:2], atol=1e-6)
    assert client.generate(z=z).dtype == np.float32
    for files in (client.png(seeds=[4]), client.png(z=z)):
        [picture] = [np.asarray(Image.open(io.BytesIO(data))) for data in files]
        np.testing.assert_allclose(picture, np.rint(expected[1, ..., 0] * 255), atol=1)
    score = 1 / (1 + np.exp(-gan.discriminator(expected * 2 - 1).numpy()[:, 0]))
    np.testing.assert_allclose(client.score(expected), score, atol=1e-5)


def test_codes(url):
    client = Client(url, "coded")
    drawn = client.generate_codes([[0.1, 0.2]], [[2]], [[0.5, -2.0]])
    np.testing.assert_allclose(drawn, [[0.1, 0.2, 0, 0, 1, 0.5, -2.0]], rtol=1e-6)
    read = client.codes(drawn)
    np.testing.assert_allclose(read["categories"], [[np.eye(3)[2]]], atol=1e-3)  # softmax of 0, 0, 10
    np.testing.assert_allclose(read["continuous"], [[5.0, -20.0]], rtol=1e-6)
    assert client.generate(2).shape == (2, 7)


def test_latents(url, gan):
    client = Client(url, "small", batch_size=4)
    z = client.draw_latents(10, seed=3)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, gan.draw_latents(10, seed=3), atol=1e-6)
    np.testing.assert_allclose(client.draw_latents(seeds=[12, 3]), z[[9, 0]], atol=1e-6)
    np.testing.assert_allclose(client.generate(z=z), gan.generate(10, seed=3), atol=1e-6)


@pytest.mark.parametrize(
    "codes",
    [
        {"categorical": 2},
        {"categorical": [2, 0, 1], "continuous": [0.5, -2.0]},
        {"continuous": [[0, 0.1], [0.2, 0.3], [0.4, 0.5]]},
    ],
)
def test_codes_are_asked_for_as_of_a_gan(url, codes):
    """Whose samples are its latent vectors."""
    client, gan = Client(url, "coded"), coded_gan()
    expected = gan.generate(3, seed=5, codes=codes)
    np.testing.assert_allclose(client.generate(3, seed=5, codes=codes), expected, atol=1e-6)
    np.testing.assert_allclose(client.generate(seeds=[5, 6, 7], codes=codes), expected, atol=1e-6)
    np.testing.assert_allclose(client.generate(z=gan.draw_latents(3, seed=5), codes=codes), expected, atol=1e-6)
    np.testing.assert_allclose(client.draw_latents(3, seed=5, codes=codes), expected, atol=1e-6)


def test_sizes_of_several_codes_are_told_where_they_are_equal(monkeypatch):
    """What a server says of itself is all that a client knows."""
    client = Client("http://localhost:1", "coded")

    def shapes(widest):
        shape = {"dtype": "float32", "shape": [None, 2]}
        return {
            "generate_codes": {"inputs": {"noise": shape, "categories": shape}, "outputs": {"samples": shape}},
            "infer_codes": {"outputs": {"categories": {"dtype": "float32", "shape": [None, 2, widest]}}},
        }

    monkeypatch.setattr(client, "_signatures", shapes(3))
    z = client._with_parts(np.zeros((1, 8), np.float32), None, {"categorical": [2, 1]})
    np.testing.assert_array_equal(z, [[0, 0, 0, 0, 1, 0, 1, 0]])
    monkeypatch.setattr(client, "_signatures", shapes(4))  # of 4 and 2 categories, say
    with pytest.raises(ValueError, match="How many categories each code of coded has, http://localhost:1 does not say"):
        client._with_parts(np.zeros((1, 8), np.float32), None, {"categorical": [2, 1]})


def test_metadata(url):
    metadata = Client(url, "coded").metadata()
    assert metadata["model"] == "coded"
    assert metadata["version"] == 1
    assert set(metadata["signatures"]) == {"serving_default", "sample", "score", "generate_codes", "infer_codes"}
    assert metadata["signatures"]["generate_codes"]["inputs"] == {
        "noise": {"dtype": "float32", "shape": [None, 2]},
        "categories": {"dtype": "int32", "shape": [None, 1]},
        "continuous": {"dtype": "float32", "shape": [None, 2]},
    }
    assert metadata["signatures"]["infer_codes"]["outputs"]["categories"]["shape"] == [None, 1, 3]


def test_ready(url):
    assert Client(url, "small", version=1).ready()
    assert not Client(url, "small", version=2).ready()
    assert not Client(url, "other").ready()


@pytest.mark.parametrize(
    ("model", "ask", "error", "message"),
    [
        ("small", lambda c: c.generate(z=np.zeros((3, 5))), ValueError, r"of shape \(B, 4\), .*found shape \(3, 5\)"),
        ("small", lambda c: c.generate(z=np.zeros(4)), ValueError, r"found shape \(4,\)"),
        ("small", lambda c: c.generate(z=np.zeros((0, 4))), ValueError, r"with one row at least; found shape \(0, 4\)"),
        ("small", lambda c: c.generate(z=[[1, 2, 3, np.nan]]), ValueError, "finite"),
        ("small", lambda c: c.generate(z=[[1, 2, 3, 1e300]]), ValueError, "finite"),
        ("small", lambda c: c.generate(z=[["a"] * 4]), ValueError, "z must be float32"),
        ("small", lambda c: c.generate(seeds=[]), ValueError, "one row at least"),
        ("small", lambda c: c.generate(seeds=[1.5]), ValueError, "whole"),
        ("small", lambda c: c.generate(seeds=[2**63]), ValueError, "seed must be int64"),
        ("small", lambda c: c.generate(0), ValueError, "n must be at least 1; found 0"),
        ("small", lambda c: c.generate(), ValueError, "Give one of n, seeds and z"),
        ("small", lambda c: c.generate(1, seeds=[1]), ValueError, "Give one of n, seeds and z"),
        ("small", lambda c: c.generate(seeds=[-1]), ServingError, "its numbers must be at least 0"),
        ("small", lambda c: c.score(np.full((1, 8, 8, 1), 2.0)), ServingError, r"its numbers must lie in \[0, 1\]"),
        ("small", lambda c: c.codes(np.zeros((1, 8, 8, 1))), ValueError, "has no signature 'infer_codes'; it has png,"),
        ("coded", lambda c: c.png(1), ValueError, "has no signature 'sample_png'"),
        ("coded", lambda c: c.generate_codes([[0, 0]], [[3]], [[0, 0]]), ServingError, "be from 0 to below 3"),
        (
            "coded",
            lambda c: c.generate_codes([[0, 0]], [[1]]),
            ValueError,
            "takes categories, continuous, noise; found",
        ),
        ("coded", lambda c: c.generate_codes([[0, 0]] * 2, [[1]], [[0, 0]]), ValueError, "equally many rows"),
        (
            "coded",
            lambda c: c.generate(1, codes={"categorical": 3}),
            ValueError,
            "has the categories 0 to 2, .* found 3",
        ),
        ("coded", lambda c: c.draw_latents(1, codes={"categories": 3}), ValueError, "codes must be a dict"),
        ("coded", lambda c: c.draw_latents(), ValueError, "Give one of n, seeds and z"),
        ("small", lambda c: c.draw_latents(1, labels=0), ValueError, "knows no classes; leave labels out"),
        ("small", lambda c: c.generate(1, codes={}), ValueError, "has no signature 'generate_codes'"),
        ("other", lambda c: c.generate(1), ServingError, "Servable not found"),
    ],
)
def test_mistakes(url, model, ask, error, message):
    with pytest.raises(error, match=message) as found:
        ask(Client(url, model))
    assert "\n" not in str(found.value)
    assert Client(url, "small").generate(1).shape == (1, 8, 8, 1)  # the server goes on


def test_urls():
    for url in ("localhost:8501", "ftp://localhost", "http://", ""):
        with pytest.raises(ValueError, match="A server's URL is http"):
            Client(url, "small")


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_nobody_there(scheme):
    with socket.socket() as reserved:  # bound and not listening: nobody else can listen there either
        reserved.bind(("127.0.0.1", 0))
        client = Client(f"{scheme}://127.0.0.1:{reserved.getsockname()[1]}", "small", retries=1)
        assert not client.ready()
        with pytest.raises(ServingError) as refusal:
            client.generate(1)
    assert refusal.value.code == "UNAVAILABLE"


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_does_not_answer(scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}", "small", timeout=0.5, retries=0)
        with pytest.raises(ServingError) as refusal:
            client.metadata()
    assert refusal.value.code == "DEADLINE_EXCEEDED"


def answering(*parts, pause=0.0):
    """A server that sends these bytes to whoever comes, with pauses between them."""

    def serve(server):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    for part in parts:
                        connection.sendall(part)
                        time.sleep(pause)

    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(server,), daemon=True).start()
    return server


def test_an_answer_that_stalls():
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", pause=2.0) as server:
        client = Client(f"http://127.0.0.1:{server.getsockname()[1]}", "small", timeout=0.5)
        start = time.perf_counter()
        with pytest.raises(ServingError, match=r"did not answer in 0\.5 s") as refusal:
            client.metadata()
        assert refusal.value.code == "DEADLINE_EXCEEDED"
        assert time.perf_counter() - start < 1.8  # it was asked once


def test_https_where_there_is_none():
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        with pytest.raises(ServingError, match=r"SSL|ssl") as refusal:
            Client(f"https://127.0.0.1:{server.getsockname()[1]}", "small").metadata()
        assert refusal.value.code == "UNKNOWN"


def test_another_models_signatures():
    def metadata(outputs):
        info = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}, {"size": "4"}]}}
        signature = {"inputs": {"z": info}, "outputs": dict.fromkeys(outputs, info)}
        return {
            "model_spec": {"name": "other", "version": "1"},
            "metadata": {"signature_def": {"signature_def": {"serving_default": signature}}},
        }

    def server(*answers):
        return answering(*(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(a), a) for a in answers))

    def ask(one):
        return Client(f"http://127.0.0.1:{one.getsockname()[1]}", "other").generate(z=np.zeros((2, 4)))

    nameless = json.dumps(metadata(["output_0"])).encode()
    with server(nameless) as one, pytest.raises(ValueError, match="output_0, and should give images or samples"):
        ask(one)
    short = json.dumps({**metadata(["images"]), "outputs": [[0.0] * 4]}).encode()
    with server(short) as one, pytest.raises(ServingError, match=r"answered serving_default with \{1\} rows"):
        ask(one)


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"batch_size": 1.5}, {"retries": -1}, {"timeout": 0}])
def test_settings_of_a_client(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        Client("http://localhost:8501", "small", **wrong)


@pytest.mark.parametrize("answer", [b"<html>busy</html>", b"[]", b'{"outputs": 3}'])
def test_something_else_that_speaks_http(answer):
    def serve(server):
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        with pytest.raises(ServingError, match=r"does not speak as TensorFlow Serving does|says: <html>busy"):
            Client(f"http://127.0.0.1:{server.getsockname()[1]}", "small", retries=0).metadata()
        thread.join()


def test_rows_and_columns(urls):
    """What anybody sends with curl: one row per instance, or one column per input."""
    address = f"{urls['rest']}/v1/models/coded:predict"
    rows = [{"noise": [0.5, 0.25], "categories": [1], "continuous": [0, 1]}] * 2
    columns = {"noise": [[0.5, 0.25]] * 2, "categories": [[1]] * 2, "continuous": [[0, 1]] * 2}
    expected = [[0.5, 0.25, 0.0, 1.0, 0.0, 0.0, 1.0]] * 2
    answer = requests.post(address, json={"signature_name": "generate_codes", "instances": rows}, timeout=10)
    assert answer.json() == {"predictions": expected}
    answer = requests.post(address, json={"signature_name": "generate_codes", "inputs": columns}, timeout=10)
    assert answer.json() == {"outputs": expected}
    answer = requests.post(address, json={"signature_name": "sample", "instances": [7]}, timeout=10)
    assert set(answer.json()["predictions"][0]) == {"samples", "z"}


def test_the_command(urls, gan, tmp_path, capsys):
    arguments = ["sample", "--model=small", "--n=4", "--seed=2"]
    assert cli.main([*arguments, f"--server={urls['rest']}", f"--output={tmp_path / 'rest.png'}"]) == 0
    assert cli.main([*arguments, f"--server={urls['grpc']}", f"--output={tmp_path / 'grpc.png'}"]) == 0
    gan.save(tmp_path / "gan.keras")
    sample = ["sample", f"--preset={tmp_path / 'gan.keras'}", "--n=4", "--seed=2", f"--output={tmp_path / 'own.png'}"]
    assert cli.main(sample) == 0
    own = np.asarray(Image.open(tmp_path / "own.png")).astype(int)
    for name in ("rest.png", "grpc.png"):
        np.testing.assert_allclose(np.asarray(Image.open(tmp_path / name)), own, atol=1)
    capsys.readouterr()
    assert cli.main(["sample", "--server=http://127.0.0.1:1", "--model=small", f"--output={tmp_path / 'x.png'}"]) == 1
    assert capsys.readouterr().err.startswith("kerasgan: error: No server answers at http://127.0.0.1:1/v1/models/")


def test_the_smoke_test_passes_here(urls, folder, capsys):
    """What scripts/smoke_tf_serving.sh asks of a real server, asked of the stand-in."""
    script = pathlib.Path(__file__).parent.parent.parent / "scripts" / "smoke.py"
    spec = importlib.util.spec_from_file_location("smoke", script)
    smoke = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(smoke)
    for model in ("small", "coded"):
        smoke.main(folder, model, *urls.values())
    assert capsys.readouterr().out.count("all right") == 4
