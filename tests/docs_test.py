"""The README and the pages in docs/: every block of code runs, every command exists, every public name is in the API.

Blocks run page by page and in order, in one namespace and one folder that holds a few photos, as a reader would type
them. What would take long is made small: named datasets have 256 images, `fit` goes through its data once, scores are
of 200 samples, DCGANs are narrow, and `kerasgan train` is given MINIATURE's options, or SMALL_CHOICE's where it
chooses. SLOW commands are held against the real options and not run. A block that cannot run says so in a comment above
it, `<!-- not run: reason -->`, and is in NOT_RUN; its commands are held against the options too.
"""

import collections
import contextlib
import functools
import importlib.util
import inspect
import pathlib
import re
import shlex
import shutil
from unittest import mock

import keras
import numpy as np
import pytest
from PIL import Image
from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

import kerasgan
from kerasgan import cli

ROOT = pathlib.Path(__file__).parent.parent
PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))]
NARROW = {"generator_width": 4, "discriminator_width": 4}
MINIATURE = ["--epochs=1", "--batch_size=16", *(f"--{name}={value}" for name, value in NARROW.items())]
SMALL_CHOICE = ["--steps=1", "--width=16", "--group_width=4", "--penalties=", "--augment="]  # of `train photos`
FEW, SCORED = 256, 200
SLOW = ("evaluate", "preset", "verify", "report", "explore")  # tests of their own run them
NOT_RUN = {  # how many
    ("README.md", "needs a server"): 1,
    ("docs/classes.md", "minutes"): 1,
    ("docs/cluster.md", "needs a cluster"): 3,
    ("docs/datasets.md", "minutes"): 1,
    ("docs/first_steps.md", "minutes"): 1,
    ("docs/hubs.md", "needs a file"): 1,
    ("docs/hubs.md", "needs a hub"): 2,
    ("docs/long_runs.md", "hours"): 1,
    ("docs/long_runs.md", "needs several machines"): 2,
    ("docs/own_pictures.md", "minutes"): 2,
    ("docs/own_pictures.md", "an hour"): 1,
    ("docs/own_pictures.md", "needs Inception's weights"): 1,
    ("docs/scores.md", "minutes"): 1,
    ("docs/serving.md", "needs Docker"): 1,
    ("docs/serving.md", "needs a server"): 1,
    ("docs/training.md", "minutes"): 1,
    ("docs/when_it_goes_wrong.md", "minutes"): 3,
    ("docs/zoo.md", "minutes"): 1,
}


def blocks(page):
    """The page's blocks of Python and of shell commands, in order."""
    python = CodeBlockParser("python", PythonEvaluator())
    return list(Sybil([python, CodeBlockParser("sh", run_shell)]).parse(ROOT / page).examples())


def remark(block):
    """What the comment right above a block says: ("not run", why), ("server", which), or None."""
    above = block.document.text[: block.region.start].rstrip("\n").rpartition("\n")[2]
    said = re.fullmatch(r"<!-- (not run|server): (.+) -->", above)
    return said and said.groups()


def commands(text):
    """The commands of a shell block, each as a list of words."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]


def check_command(words):
    """Whether what the words call exists: the command's options, make's target, the file, the program."""
    program = pathlib.PurePath(words[0]).name
    if program == "kerasgan":
        if len(words) > 1:
            _, define = cli.COMMANDS[words[1]]
            reads_only = {words[1]: (lambda *_: 0, define)}
            with mock.patch.dict(cli.COMMANDS, reads_only):
                assert cli.main(words[1:]) == 0, words
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= set(targets)
    elif program == "python":
        assert (ROOT / words[1]).is_file()
    elif program == "docker":
        assert (ROOT / words[words.index("-f") + 1]).is_file()
    else:
        assert program in ("pip", "export", "hf", "ray")


def run_shell(block):
    for words in commands(block.parsed):
        check_command(words)
        if words[0] != "kerasgan" or words[1] in SLOW:
            continue
        few = [f"--split=train[:{FEW}]"] if "--dataset=fashion_mnist" in words else []
        small = [*MINIATURE, *few] if words[1] == "train" and "--resume" not in words else []
        if small and not words[2].startswith("--"):
            small = SMALL_CHOICE
        assert cli.main([*words[1:], *small]) == 0, words


@pytest.fixture
def small(fashion_mnist, tmp_path, monkeypatch):
    """A folder with photos, in which everything is small."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for i in range(40):
        colours = Image.fromarray(rng.integers(0, 256, (3, 4, 3), dtype=np.uint8))
        colours.resize((96, 72), Image.Resampling.BICUBIC).save(tmp_path / "photos" / f"{i}.jpg")
    shutil.copytree(ROOT / "saved_models", tmp_path / "saved_models", ignore=shutil.ignore_patterns("[0-9]*"))
    monkeypatch.chdir(tmp_path)

    load, fit, create = kerasgan.data.load, kerasgan.GAN.fit, kerasgan.registry.create_model

    def load_few(name, split="train", *args, **options):
        named = isinstance(name, str) and not pathlib.Path(name.removeprefix("folder:")).exists()
        return load(name, f"{split.partition('[')[0]}[:{FEW}]" if named else split, *args, **options)

    def fit_once(gan, *args, epochs=1, **options):
        return fit(gan, *args, epochs=min(epochs, 1), **options)

    def create_narrow(name, **settings):
        return create(name, **{**settings, **(NARROW if name == "dcgan" else {})})

    monkeypatch.setattr(kerasgan.runs, "time_step", lambda config: 1.0)
    monkeypatch.setattr(kerasgan.data, "load", load_few)
    monkeypatch.setattr(kerasgan.GAN, "fit", fit_once)
    monkeypatch.setattr(kerasgan.registry, "create_model", create_narrow)
    scored = functools.partial(kerasgan.callbacks.EvaluateSamples, n=SCORED)
    monkeypatch.setattr(kerasgan.callbacks, "EvaluateSamples", scored)
    yield tmp_path
    keras.backend.clear_session()


@pytest.mark.parametrize("page", PAGES)
def test_blocks_of_code_run(page, small, monkeypatch):
    for block in blocks(page):
        kind, _ = remark(block) or ("run", None)
        if kind == "not run":
            continue
        with server(small / "saved_models", monkeypatch) if kind == "server" else contextlib.nullcontext():
            block.evaluate()


@contextlib.contextmanager
def server(models, monkeypatch):
    """Clients speak to a stand-in, whatever server they name."""
    stand_in = load_module(ROOT / "tests" / "serving" / "client_test.py").stand_in
    client = kerasgan.serving.Client
    with stand_in(models) as urls:
        monkeypatch.setattr(kerasgan.serving, "Client", lambda _, model: client(urls["rest"], model))
        yield


def test_blocks_that_cannot_run_are_known():
    said = [(page, *(remark(block) or ("run", ""))) for page in PAGES for block in blocks(page)]
    assert collections.Counter((page, why) for page, kind, why in said if kind == "not run") == NOT_RUN


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page):
    """In blocks that run and in those that do not, and within sentences."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for words in commands(block):
            check_command(words)
    assert set(re.findall(r"^```(.*)\n", text, re.MULTILINE)) <= {"", "python", "sh"}
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for words in re.findall(r"`((?:\.venv/bin/)?kerasgan [^`]+|make [^`]+)`", prose):
        check_command(shlex.split(words))
    for file in re.findall(r"`((?:examples|benchmarks|scripts|saved_models|zoo)/[\w/]+\.\w+)", prose):
        assert (ROOT / file).is_file() or "my_gan" in file, file
    assert not re.search(r"^    (kerasgan [a-z]+ |make |pip |import |gan )", prose, re.MULTILINE)  # nothing escapes


def test_readme_is_an_entrance():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "examples/README.md", "saved_models/README.md"])
def test_links_lead_somewhere(page):
    """Those of docs/ are held by `make docs`."""
    for link in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text(encoding="utf-8")):
        assert link.startswith("https://") or ((ROOT / page).parent / link).exists(), link


def test_every_page_is_in_the_navigation():
    listed = re.findall(r"(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(
        path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")
    )


def test_api_names_everything_public():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.md"))
    asked = set(re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE))
    modules = [value for value in (getattr(kerasgan, name) for name in kerasgan.__all__) if inspect.ismodule(value)]
    wanted = {module.__name__ for module in modules} - {"kerasgan.serving"}
    wanted |= {f"{value.__module__}.{name}" for name, value in members(kerasgan.serving)}
    wanted.add("kerasgan.gan.GAN")
    for module in modules:  # of a function and a file of one name griffe shows the file: ask for the function by itself
        named = [(name, value) for name, value in members(module) if value.__module__ == f"{module.__name__}.{name}"]
        wanted |= {f"{value.__module__}.{name}" for name, value in named}
    assert wanted <= asked


def members(module):
    """What a package exports besides constants."""
    values = [(name, getattr(module, name)) for name in getattr(module, "__all__", ())]
    return [(name, value) for name, value in values if inspect.isclass(value) or inspect.isfunction(value)]


def load_module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
