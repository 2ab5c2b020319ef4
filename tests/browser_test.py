"""examples/browser/ in a real browser: the page draws what `generate` draws, of the same seeds."""

import functools
import http.server
import pathlib
import shutil
import threading

import numpy as np
import pytest
from conftest import missing, quarters_gan, watched_tab

import kerasgan
from kerasgan import formats

EXAMPLE = pathlib.Path(__file__).parent.parent / "examples" / "browser"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The example as a file server has it: with what npm brings, and three GANs."""
    modules = EXAMPLE / "node_modules"
    if not (modules / "onnxruntime-web").is_dir():
        missing("onnxruntime-web is not there; npm install --prefix examples/browser brings it")
    folder = tmp_path_factory.mktemp("browser") / "site"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "*.onnx"))
    (folder / "node_modules").symlink_to(modules)
    for name in ("dcgan_fashion_mnist", "infogan_fashion_mnist"):
        formats.export(kerasgan.GAN.from_preset(name), folder / f"{name}.onnx", preset=name)
    formats.export(quarters_gan(("a", "b c", "d", "é"), (4, 1, 1, 2)), folder / "quarters.onnx")
    content = (folder / "quarters.onnx").read_bytes()
    (folder / "cut.onnx").write_bytes(content[: len(content) // 2])
    return folder


@pytest.fixture(scope="module")
def address(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def tab(chromium, address):
    with watched_tab(chromium, address, 800, quiet=False) as tab:  # some files are not there
        yield tab


def go(tab, address, name):
    tab.goto(f"{address}?model={name}.onnx")
    tab.wait_for_selector("text=drawn in")


def pixels(tab):
    """What is painted, uint8 [16, H, W, 4]."""
    read = """canvas => { const {width, height} = canvas;
        return [height, width, ...canvas.getContext('2d').getImageData(0, 0, width, height).data]; }"""
    found = tab.eval_on_selector_all("#samples canvas", f"all => all.map({read})")
    return np.array([np.reshape(one[2:], (*one[:2], 4)) for one in found])


def is_painted(tab, images):
    """Until the page shows these images, to one 255th."""
    expected = np.repeat(np.round(255 * images), 4 - images.shape[-1] if images.shape[-1] == 3 else 3, axis=-1)
    for _ in range(100):
        apart = np.abs(pixels(tab)[..., :3] - expected[..., :3]).max()
        if apart <= 1:
            return True
        tab.wait_for_timeout(100)
    raise AssertionError(f"the page differs by {apart} of 255")


@pytest.mark.parametrize("name", ["dcgan_fashion_mnist", "infogan_fashion_mnist"])
def test_the_page_draws_what_generate_draws(tab, address, name):
    gan = kerasgan.GAN.from_preset(name)
    go(tab, address, name)
    assert is_painted(tab, gan.generate(16, seed=0))
    tab.get_by_label("First seed").fill("1000")
    assert is_painted(tab, gan.generate(16, seed=1000))


def test_classes_by_name_and_as_the_seed_says(tab, address):
    gan = quarters_gan(("a", "b c", "d", "é"), (4, 1, 1, 2))
    go(tab, address, "quarters")
    assert is_painted(tab, gan.generate(16, seed=0))
    tab.get_by_label("Class").select_option("b c")
    assert is_painted(tab, gan.generate(16, seed=0, labels="b c"))
    tab.get_by_label("Class").select_option("é")
    assert is_painted(tab, gan.generate(16, seed=0, labels="é"))


def test_the_way_to_another_seed_and_the_codes(tab, address):
    gan = kerasgan.GAN.from_preset("infogan_fashion_mnist")
    go(tab, address, "infogan_fashion_mnist")
    first, other = gan.draw_latents(16, seed=0), np.repeat(gan.draw_latents(1, seed=100), 16, axis=0)
    tab.get_by_label("how far").fill("0.5")
    assert is_painted(tab, gan.generate(z=gan.latent.between(first, other, np.full(16, 0.5))))
    tab.get_by_label("how far").fill("0")
    tab.get_by_label("Code", exact=True).select_option("3")
    tab.get_by_label("Code 1").fill("1.5")
    codes = {"categorical": 3, "continuous": [1.5, 0.0]}
    assert is_painted(tab, gan.generate(16, seed=0, codes=codes))


def test_what_goes_wrong_is_said(tab, address, folder):
    tab.goto(f"{address}?model=nowhere.onnx")
    tab.wait_for_selector("text=There is no nowhere.onnx beside this page. Open a file that kerasgan exported.")
    tab.set_input_files("#file", folder / "quarters.onnx")
    tab.wait_for_selector("text=drawn in")
    tab.set_input_files("#file", folder / "draw.js")
    tab.wait_for_selector("text=draw.js cannot be used: ")
    tab.set_input_files("#file", folder / "cut.onnx")
    tab.wait_for_selector("text=cut.onnx cannot be used: ")


def test_it_can_be_used_by_keyboard_and_read_aloud(tab, address):
    go(tab, address, "quarters")
    assert tab.get_by_role("img").count() == 16
    assert tab.get_by_role("img", name="sample of seed 3").count() == 1
    unnamed = tab.eval_on_selector_all("input, select", "all => all.filter(one => !one.labels.length).length")
    assert unnamed == 0
    tab.get_by_label("First seed").focus()
    tab.keyboard.press("ArrowUp")
    tab.wait_for_selector("text=Seeds 1 to 16")
    tab.set_viewport_size({"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
