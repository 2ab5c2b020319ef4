"""How long a slider of `kerasgan explore` takes to its new picture, in a real browser.

    python benchmarks/explore.py [--preset=dcgan_fashion_mnist] [--moves=50]

It opens the page, and Chromium on it without a window, moves a slider as a hand does, and measures in the browser from
the move to the picture that has changed in the page. Prints the percentiles 50, 95 and 99 in milliseconds; the exit
status is 1 where the median is above 150. It needs `pip install 'kerasgan[explore]' playwright`, and a `chromium`.
"""

import os
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", "dcgan_fashion_mnist", "what is shown")
flags.DEFINE_integer("moves", 50, "of the slider")

LIMIT = 150.0  # milliseconds
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHOWN = ".kg-grid button >> visible=true"
#: Moves the slider of a label within the element of an id, and says in how many milliseconds its picture is another.
MOVE = """([id, label]) => new Promise((done) => {
  const root = document.getElementById(id), source = () => root.querySelector('.kg-picture img').src;
  const slider = root.querySelector(`input[type=range][aria-label*="${label}"]`), before = source();
  const begin = performance.now();
  slider.value = Number(slider.value) >= 2.9 ? -3 : Number(slider.value) + 0.1;
  slider.dispatchEvent(new Event('input', {bubbles: true}));
  const observer = new MutationObserver(() => {
    if (source() === before) return;
    observer.disconnect();
    requestAnimationFrame(() => done(performance.now() - begin));
  });
  observer.observe(root, {subtree: true, childList: true, attributes: true});
})"""


def find_browser() -> str | None:
    """The path of a Chromium, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def main(argv):
    del argv
    from playwright.sync_api import sync_playwright

    from kerasgan.explore import page

    browser = find_browser()
    if browser is None:
        sys.exit("There is no Chromium on this machine; on Debian: apt-get install chromium")
    served = page.serve([FLAGS.preset])
    with sync_playwright() as driver:
        tab = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
        tab.goto(served.address)
        tab.wait_for_selector(SHOWN)
        name = tab.locator("[id$='-one'] >> visible=true").get_attribute("id")
        milliseconds = [tab.evaluate(MOVE, [name, "Direction 1"]) for _ in range(FLAGS.moves + 3)][3:]
    served.close()
    p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99))
    print(f"{FLAGS.preset}: from a slider's move to its picture, {FLAGS.moves} moves, milliseconds:")
    print(f"  p50 {p50:.0f}  p95 {p95:.0f}  p99 {p99:.0f}")
    sys.exit(int(p50 > LIMIT))


if __name__ == "__main__":
    app.run(main)
