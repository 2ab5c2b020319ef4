"""The page in a real browser."""

import base64
import csv
import io
import re
import runpy
import socket
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from conftest import benchmark_of, missing, quarters_gan, watched_tab
from PIL import Image

import kerasgan
from kerasgan import runs
from kerasgan.explore import page as explore_page
from kerasgan.explore.page import elements
from kerasgan.runs.config import write_config

CLOTHES, RUN = "dcgan_fashion_mnist", "quarters"
WAIT = 60_000  # milliseconds, on a busy machine
SLOWEST = (
    1000.0  # milliseconds that a slider may take where other tests run beside this one; benchmarks/explore.py measures
)
NAMES = ("a", "b c", "d", "é")


def write_epochs(run, epochs):
    """What a training has left in its folder after so many epochs."""
    with (run / "history.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["epoch", "step", "d_loss", "g_loss"])
        table.writerows([i, 10 * i, 1.0 / i, 0.5 + i] for i in range(1, epochs + 1))
    (run / "samples").mkdir(exist_ok=True)
    picture = Image.fromarray(np.full((20, 20), 10 * epochs, np.uint8))
    picture.save(run / "samples" / f"step-{10 * epochs:08d}.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a run by four classes, two epochs of ten old."""
    folder = tmp_path_factory.mktemp("page")
    pictures = folder / "pictures"
    pictures.mkdir()
    for i in range(12):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (8, 8), dtype=np.uint8)).save(pictures / f"{i}.png")
    run = folder / RUN
    run.mkdir()
    write_config(runs.resolve("vanilla_gan", f"folder:{pictures}", epochs=10), run)
    quarters_gan(names=NAMES).save(run / "best.keras")
    write_epochs(run, 2)
    return folder


@pytest.fixture(scope="module")
def address(chromium, folder):
    try:
        import gradio  # noqa: F401
    except ImportError:
        missing("gradio is not installed; pip install 'kerasgan[test]' brings it")
    served = explore_page.serve([CLOTHES, str(folder / RUN)])
    yield served.address
    served.close()


@pytest.fixture
def opened(chromium, address):
    """The page in a new tab."""
    with watched_tab(chromium, address, 1280) as tab:
        tab.goto(address)
        tab.wait_for_selector(".kg-grid button >> visible=true")
        yield tab


def one_of(tab):
    """The part of the page with one sample, of the GAN that is shown."""
    return tab.locator("[id$='-one'] >> visible=true")


def to_run(tab):
    tab.get_by_role("tab", name=RUN).click()
    tab.wait_for_selector("h1:has-text('quarters') >> visible=true")


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "It did not come to that."
        time.sleep(0.1)


def source_of(part):
    return part.locator(".kg-picture img").first.get_attribute("src")


def lines_of(part):
    return "\n".join(part.locator(".cm-line").all_inner_texts()).replace("\xa0", " ")


def assert_lines_draw(part, tmp_path, monkeypatch):
    """What the page offers to download is what its lines of Python write."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.py").write_text(lines_of(part) + "\n", encoding="utf-8")
    runpy.run_path(str(tmp_path / "lines.py"))
    written = elements.data_uri((tmp_path / "sample.png").read_bytes(), "image/png")
    assert part.get_by_role("link", name="Download PNG").get_attribute("href") == written
    assert source_of(part) == written


def test_a_sample_is_picked_and_changed(opened, tmp_path, monkeypatch):
    one = one_of(opened)
    before = source_of(one)
    opened.get_by_role("button", name="Seed 15: change it").click()
    until(lambda: source_of(one) != before)
    assert one.get_by_label("Seed", exact=True).input_value() == "15"
    assert one.locator("figcaption").inner_text() == "Seed 15"
    picked = source_of(one)
    slider = one.get_by_role("slider", name="Direction 2")
    slider.focus()
    for _ in range(3):
        opened.keyboard.press("ArrowRight")
    until(lambda: "0.3" in lines_of(one))
    until(lambda: source_of(one) != picked)
    assert_lines_draw(one, tmp_path, monkeypatch)
    one.get_by_role("button", name="As it was").click()
    until(lambda: source_of(one) == picked)
    until(lambda: float(slider.input_value()) == 0.0)
    with opened.expect_download() as download:
        one.get_by_role("link", name="Download PNG").click()
    assert download.value.suggested_filename == f"{CLOTHES}-15.png"


def test_two_at_once_are_not_in_each_others_way(opened, chromium, address, tmp_path, monkeypatch):
    """Each sees the sample that he picked, whatever the other does meanwhile."""
    other = chromium.new_context().new_page()
    other.set_default_timeout(WAIT)
    other.goto(address)
    other.wait_for_selector(".kg-grid button >> visible=true")
    tabs, before = {"3": opened, "7": other}, source_of(one_of(opened))
    for seed, tab in tabs.items():
        tab.get_by_role("button", name=f"Seed {seed}: change it").click()
    for seed, tab in tabs.items():
        one = one_of(tab)
        until(lambda one=one: source_of(one) != before)
        until(lambda one=one, seed=seed: one.get_by_label("Seed", exact=True).input_value() == seed)
    for tab in tabs.values():
        one_of(tab).get_by_role("slider", name="Direction 1").focus()
        tab.keyboard.press("ArrowRight")
    for seed, tab in tabs.items():
        one = one_of(tab)
        until(lambda one=one, seed=seed: "0.1" in lines_of(one) and seed in lines_of(one))
        assert_lines_draw(one, tmp_path, monkeypatch)
    other.context.close()


def test_a_slider_follows_the_hand(opened):
    name = one_of(opened).get_attribute("id")
    one_of(opened).get_by_role("slider", name="Direction 1").first.wait_for()  # directions take a while to be found
    milliseconds = sorted(opened.evaluate(benchmark_of("explore").MOVE, [name, "Direction 1"]) for _ in range(9))
    assert milliseconds[4] < SLOWEST


def test_more_samples(opened):
    opened.get_by_role("button", name="Next 24").locator("visible=true").click()
    opened.get_by_role("button", name="Seed 24: change it").wait_for()
    opened.get_by_label("First seed").locator("visible=true").fill("100")
    opened.get_by_role("button", name="Seed 123: change it").wait_for()
    opened.get_by_role("button", name="Previous 24").locator("visible=true").click()
    opened.get_by_role("button", name="Seed 76: change it").wait_for()


def test_keys_alone_will_do(opened):
    """From the top of the page with Tab to the first sample, which Enter picks."""
    for _ in range(40):
        opened.keyboard.press("Tab")
        if (opened.evaluate("document.activeElement.getAttribute('aria-label')") or "").startswith("Seed 0"):
            break
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")
    until(lambda: one_of(opened).locator("figcaption").inner_text() == "Seed 1")


def test_everything_has_a_name_for_a_screen_reader(opened):
    nameless = opened.evaluate("""() => [...document.querySelectorAll('button, a[href], input, textarea, select')]
      .filter((each) => each.offsetParent !== null)
      .filter((each) => !(each.getAttribute('aria-label') || each.getAttribute('aria-labelledby') || each.title
        || each.labels?.length || each.innerText?.trim() || each.closest('label')?.innerText?.trim()
        || each.querySelector('[aria-label]')))
      .map((each) => each.outerHTML.slice(0, 200))""")
    assert nameless == []
    assert opened.locator("img:not([alt])").count() == 0
    assert opened.locator("html").get_attribute("lang") == "en"


def test_on_a_phone_nothing_lies_beside_the_page(opened):
    opened.set_viewport_size({"width": 360, "height": 740})
    wide = "() => document.scrollingElement.scrollWidth - window.innerWidth"
    until(lambda: opened.evaluate(wide) <= 0, 5)
    for tab in ("Between", "Find"):
        opened.get_by_role("tab", name=tab).locator("visible=true").click()
        until(lambda: opened.evaluate(wide) <= 0, 5)


def test_classes(opened, tmp_path, monkeypatch):
    to_run(opened)
    one = one_of(opened)
    field = opened.get_by_label("Class of all").locator("visible=true")
    field.click()
    opened.get_by_role("option", name="b c").click()
    opened.get_by_role("button", name="Seed 2, b c: change it").click()
    until(lambda: one.locator("figcaption").inner_text() == "Seed 2, b c")
    one.get_by_label("Class", exact=True).click()
    opened.get_by_role("option", name="é").click()
    until(lambda: one.locator("figcaption").inner_text() == "Seed 2, é")
    truncation = opened.get_by_role("slider", name=re.compile("Truncation")).locator("visible=true")
    assert truncation.count() == 0  # its noise is uniform
    assert_lines_draw(one, tmp_path, monkeypatch)


def test_the_way_between_two_and_its_film(opened):
    opened.get_by_role("tab", name="Between").locator("visible=true").click()
    panel = opened.get_by_role("tabpanel").locator("visible=true").last
    panel.get_by_label("To seed").fill("5")
    until(lambda: "50% of the way from seed 0 to seed 5" in panel.locator("figcaption").first.inner_text())
    panel.get_by_role("button", name="Make a film").click()
    film = panel.get_by_role("link", name="Download GIF")
    film.wait_for()
    assert film.get_attribute("download") == f"{CLOTHES}-0-5.gif"
    with Image.open(io.BytesIO(base64.b64decode(film.get_attribute("href").partition(",")[2]))) as gif:
        assert gif.n_frames > 50  # of 60; frames that are alike are one


def test_a_picture_of_ones_own_is_found(opened, tmp_path):
    gan = quarters_gan(names=NAMES)
    kerasgan.plots.grid(gan.generate(seeds=[7], labels="d"), tmp_path / "mine.png", enlarge=5)
    to_run(opened)
    opened.get_by_role("tab", name="Find").locator("visible=true").click()
    field = opened.locator("input[type=file] >> visible=true")
    field.set_input_files(tmp_path / "mine.png")
    opened.get_by_text("Found, with a mean squared error of 0.00").wait_for()
    opened.get_by_role("button", name="Change what was found").click()
    one = one_of(opened)
    until(lambda: one.locator("figcaption").inner_text() == "A picture that was looked for, d")
    assert "z = np.array([[" in lines_of(one)


def test_what_is_no_picture_is_said(opened, tmp_path):
    (tmp_path / "mine.png").write_text("no picture")
    opened.get_by_role("tab", name="Find").locator("visible=true").click()
    opened.locator("input[type=file] >> visible=true").set_input_files(tmp_path / "mine.png")
    opened.get_by_text("This file is no picture that can be read").wait_for()
    (tmp_path / "large.png").write_bytes(bytes(elements.LARGEST_FILE + 1))
    opened.locator("input[type=file] >> visible=true").set_input_files(tmp_path / "large.png")
    opened.get_by_text("This file is larger than 10 MB").wait_for()


def test_a_run_is_watched(opened, folder):
    to_run(opened)
    opened.get_by_role("tab", name="Training").locator("visible=true").click()
    opened.get_by_text("2 epochs, 20 steps of 10 epochs").wait_for()
    opened.get_by_role("img", name=re.compile("Samples after 20 steps")).wait_for()
    write_epochs(folder / RUN, 3)
    opened.get_by_text("3 epochs, 30 steps of 10 epochs").wait_for()
    opened.get_by_role("img", name=re.compile("Samples after 30 steps")).wait_for()
    curve = opened.get_by_role("img", name=re.compile("^Curve, at its end d_loss 0.3333, g_loss 3.5"))
    curve.first.wait_for()


def test_the_server_gives_no_files(address, folder):
    for path in ("gradio_api/file=/etc/hostname", f"gradio_api/file={folder}/{RUN}/config.json", "gradio_api/upload"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address + path, timeout=30)
    other = urllib.request.Request(address, headers={"Host": "elsewhere.example"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(other, timeout=30)


def test_a_password_is_asked_for(chromium, folder):
    served = explore_page.serve([str(folder / RUN)], password="open sesame")
    try:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{served.address}config", timeout=30)
        tab = chromium.new_page()
        tab.set_default_timeout(WAIT)
        tab.goto(served.address)
        for password in ("wrong", "open sesame"):
            assert tab.locator(".kg-grid").count() == 0
            tab.get_by_label("username").fill("anybody")
            tab.get_by_label("password").fill(password)
            tab.get_by_role("button", name="Login").click()
            if password == "wrong":
                tab.get_by_text(re.compile("[Ii]ncorrect")).first.wait_for()
        tab.wait_for_selector(".kg-grid button >> visible=true")
        tab.close()
    finally:
        served.close()


def test_a_port_that_is_taken(chromium, folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"Port {port} of 127.0.0.1 is taken or not allowed; without one a free"):
            explore_page.serve([str(folder / RUN)], port=port)


def test_a_host_that_there_is_not(chromium, folder):
    with pytest.raises(ValueError, match=r"^Cannot listen at no\.such\.host: "):
        explore_page.serve([str(folder / RUN)], host="no.such.host")
