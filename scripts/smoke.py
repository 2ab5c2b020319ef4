"""Asks a server for everything that a model offers, and compares with the preset that it was exported from.

python scripts/smoke.py REPOSITORY MODEL URL...
"""

import concurrent.futures
import io
import pathlib
import sys
import time

import numpy as np
from PIL import Image

import kerasgan
from kerasgan import presets
from kerasgan.serving import Client
from kerasgan.serving.client import ServingError


def check(gan: kerasgan.GAN, client: Client) -> list[str]:
    """Every signature, requests that are joined, and one that is refused."""
    expected = gan.generate(40, seed=7)
    signatures = client.metadata()["signatures"]
    np.testing.assert_allclose(client.generate(40, seed=7), expected, atol=1e-4)
    np.testing.assert_allclose(client.generate(z=gan.latent.from_seeds([7, 8]).numpy()), expected[:2], atol=1e-4)
    if "png" in signatures:
        for data, image in zip(client.png(3, seed=7), expected, strict=False):
            picture = np.asarray(Image.open(io.BytesIO(data))).reshape(image.shape)
            np.testing.assert_allclose(picture, np.rint(255 * image), atol=1)
    if "score" in signatures:
        assert np.isfinite(client.score(expected, None if gan.class_names is None else 0)).all()
    if gan.class_names is not None:
        assert client.class_names == gan.class_names
        labels = [*gan.class_names, 0]
        asked = gan.generate(len(labels), seed=7, labels=labels)
        np.testing.assert_allclose(client.generate(len(labels), seed=7, labels=labels), asked, atol=1e-4)
    if "infer_codes" in signatures:
        ours = gan.infer_codes(expected[:3])
        np.testing.assert_allclose(client.codes(expected[:3])["continuous"], ours["continuous"], atol=1e-3)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:  # which a server with batching joins
        images = list(pool.map(lambda seed: client.generate(seeds=[seed])[0], range(7, 47)))
    np.testing.assert_allclose(images, expected, atol=1e-4)
    refused = False
    try:
        client.generate(seeds=[-1])
    except ServingError as error:
        refused = "at least 0" in str(error)
    assert refused, "a negative seed was not refused with its reason"
    return sorted(signatures)


def main(repository: str, model: str, *urls: str) -> None:
    gan = presets.load(pathlib.Path(repository) / model)
    for url in urls:
        client = Client(url, model)
        deadline = time.monotonic() + 120
        while not client.ready():
            if time.monotonic() > deadline:
                raise SystemExit(f"{url} has not loaded {model} in two minutes")
            time.sleep(0.5)
        print(f"{url}: {', '.join(check(gan, client))}: all right")


if __name__ == "__main__":
    main(*sys.argv[1:])
