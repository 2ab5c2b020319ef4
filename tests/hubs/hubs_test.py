"""Presets on hubs: pushed and fetched by the hubs' real client libraries, from a stand-in of their HTTP interfaces."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from conftest import missing, small_gan
from hub_stand_in import TOKEN, Stand

import kerasgan
from kerasgan import cli, hubs, presets, sharing

try:
    from huggingface_hub import constants
    from kagglehub import clients
    from kagglesdk import kaggle_env
except ImportError as error:
    missing(f"the tests of hubs need {error.name}: pip install 'kerasgan[hub]'")

HF, KAGGLE = "hf://mia/clothes", "kaggle://mia/clothes/keras/small"


@pytest.fixture
def stand(monkeypatch, tmp_path):
    """Both hubs, and clients that know no other, with a token and an empty cache."""
    with Stand() as stand:
        monkeypatch.setattr(constants, "ENDPOINT", stand.address)
        resolve = stand.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", resolve)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf_cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # a protocol of its own, which the hub offers beside
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, stand.address)
        monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle_cache"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        monkeypatch.setattr(clients, "get_user_agent", lambda: "kerasgan")  # it walks all of the stack, at each call
        yield stand


@pytest.fixture(scope="module")
def gan():
    gan = small_gan()
    gan.compile()
    return gan


@pytest.fixture(scope="module")
def preset(gan, tmp_path_factory):
    """A preset with everything that a card can say to a hub."""
    score = {"value": 5.25, "error": None, "n_real": 100, "n_fake": 100, "features": "f", "seed": 0}
    metadata = {"licence": "Apache-2.0; the data is under the MIT licence", "dataset": "fashion_mnist:3.0.1"}
    folder = tmp_path_factory.mktemp("presets") / "clothes"
    return gan.save_to_preset(folder, {**metadata, "split": "train", "scores": {"fcd": score}, "evaluation": "e"})


def held(stand, handle):
    """The files of a repository's newest revision."""
    name = handle.partition("://")[2]
    return stand.models[name][-1] if handle.startswith("kaggle") else stand.repositories[name]["commits"][-1][1]


@pytest.mark.parametrize("handle", [HF, KAGGLE])
def test_pushed_pulled_and_pulled_without_a_net(stand, gan, preset, handle):
    pinned = sharing.push(preset, handle)
    assert pinned.startswith(handle)
    files = held(stand, handle)
    assert {*presets.NEEDED, "README.md", "samples.png"} == set(files)
    assert files["model.weights.h5"] == (preset / "model.weights.h5").read_bytes()
    assert f'from_preset("{handle}")' in files["README.md"].decode()
    first = kerasgan.GAN.from_preset(pinned).generate(4)
    np.testing.assert_array_equal(first, gan.generate(4))
    stand.close()
    for again in (handle, pinned):
        np.testing.assert_array_equal(kerasgan.GAN.from_preset(again).generate(4), first)


def test_the_hubs_read_licence_tags_data_and_scores(stand, preset):
    sharing.push(preset, HF)
    sharing.push(preset, KAGGLE)
    text = held(stand, HF)["README.md"].decode()
    assert text.startswith("---\n")
    header = yaml.safe_load(text.split("---\n")[1])
    assert (header["library_name"], header["license"]) == ("kerasgan", "apache-2.0")
    assert header["datasets"] == ["fashion_mnist"]
    assert {"kerasgan", "keras", "gan"} <= set(header["tags"])
    (result,) = header["model-index"][0]["results"]
    assert (result["metrics"][0]["type"], result["metrics"][0]["value"]) == ("fcd", 5.25)
    assert stand.licences[KAGGLE.partition("://")[2]] == "Apache 2.0"


def test_a_gan_is_pushed_as_it_is_and_its_folder_is_nobodys(stand, gan):
    gan.push_to_hub("mia/clothes", licence="MIT", private=True)
    files = held(stand, HF)
    assert json.loads(files["metadata.json"])["name"] == "clothes"
    assert stand.repositories["mia/clothes"]["private"]
    text = files["README.md"].decode()
    assert "license: mit" in text
    assert "kerasgan-push-" not in text
    assert "datasets" not in text


def test_an_onnx_file_goes_along_and_goes_again(stand, preset):
    sharing.push(preset, HF, onnx=True)
    assert "model.onnx" in held(stand, HF)
    stand.add("mia/clothes", {**held(stand, HF), "notes.txt": b"the owner's"})
    sharing.push(preset, HF, overwrite=True)
    assert "model.onnx" not in held(stand, HF)
    assert held(stand, HF)["notes.txt"] == b"the owner's"


@pytest.mark.parametrize("handle", [HF, KAGGLE])
def test_what_is_there_stays_unless_told_otherwise(stand, gan, preset, handle):
    old = sharing.push(gan, handle)
    before = held(stand, handle)
    with pytest.raises(ValueError, match="--overwrite"):
        sharing.push(preset, handle)
    assert held(stand, handle) is before
    sharing.push(preset, handle, overwrite=True)
    assert held(stand, handle) != before
    pin = f"{KAGGLE}/1" if handle == KAGGLE else old
    facts = json.loads((hubs.fetch(pin, presets.NEEDED) / "metadata.json").read_text())
    assert "dataset" not in facts  # the first one's
    assert presets.read_metadata(presets.find(handle))["dataset"] == "fashion_mnist:3.0.1"


def test_only_a_presets_files_are_fetched(stand, preset):
    sharing.push(preset, HF)
    sharing.push(preset, KAGGLE)
    held(stand, KAGGLE)["evil.py"] = b"print('no')"
    stand.add("mia/clothes", {**held(stand, HF), "evil.py": b"print('no')", "deep/config.json": b"{}"})
    for handle in (HF, KAGGLE):
        assert {path.name for path in presets.find(handle).iterdir()} == set(presets.FILES)


def test_code_in_a_strangers_preset_is_not_run(stand, preset):
    files = {name: (preset / name).read_bytes() for name in presets.FILES}
    config = json.loads(files["config.json"])
    config["config"]["generator"] = {"module": "keras.layers", "class_name": "Lambda", "config": {}}
    stand.add("mia/clothes", {**files, "config.json": json.dumps(config).encode()})
    with pytest.raises(ValueError, match="Cannot load"):
        kerasgan.GAN.from_preset(HF)
    stand.add("mia/clothes", {**files, "model.weights.h5": files["model.weights.h5"][:-1] + b"?"})
    with pytest.raises(ValueError, match="sha256"):
        kerasgan.GAN.from_preset(HF)


def one_line(error):
    return "\n" not in str(error) and TOKEN not in str(error)


WRONG = [
    ("hf://clothes", "handle is hf://owner/name"),
    ("hf://mia/clothes/small", "handle is hf://owner/name"),
    ("hf:/mia/clothes", "handle is hf://owner/name"),
    ("huggingface://mia/clothes", "handle is hf://owner/name"),
    ("kaggle://mia/clothes", "handle is kaggle://owner/model"),
    ("s3://mia/clothes", "https://, hf:// or kaggle://"),
    ("hf://mia/../clothes", "handle is hf://owner/name"),
    ("hf://mia/nothing", "shows no such repository"),
    ("hf://mia/clothes@v9", "no revision 'v9'"),
    ("kaggle://mia/nothing/keras/small", "no such model"),
    ("kaggle://mia/clothes/keras/small/9", "no such model, version or file"),
    ("kaggle://mia/clothes/kerras/small", "not a valid ModelFramework"),
    ("hf://mia/empty", "lacks config.json, metadata.json, model.weights.h5"),
]


@pytest.mark.parametrize(("handle", "says"), WRONG, ids=[handle for handle, _ in WRONG])
def test_what_is_wrong_with_a_handle_is_said(stand, preset, handle, says):
    stand.add("mia/clothes", dict.fromkeys(presets.FILES, b""))
    stand.add("mia/empty", {"README.md": b"nothing yet"})
    stand.models["mia/clothes/keras/small"] = [{"config.json": b"{}"}]
    with pytest.raises(ValueError, match=r".+") as caught:
        presets.find(handle)
    assert says in str(caught.value)
    assert one_line(caught.value)


@pytest.mark.parametrize(("status", "says"), [(403, "may not"), (429, "too many"), (500, "has failed")])
def test_what_a_hub_answers_is_said(stand, preset, status, says, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)  # the clients wait and try again
    stand.refuse(".", status)
    for handle in (HF, KAGGLE):
        for call in (presets.find, lambda to: sharing.push(preset, to)):
            with pytest.raises(ValueError, match="Cannot") as caught:
                call(handle)
            assert str(status) in str(caught.value)
            assert one_line(caught.value)
            assert says in str(caught.value) or handle == KAGGLE


def test_a_private_one_is_its_owners(stand, gan, monkeypatch):
    gan.push_to_hub("mia/clothes", private=True)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nonexistent")
    with pytest.raises(ValueError, match="hf auth login"):
        kerasgan.GAN.from_preset(HF)
    with pytest.raises(ValueError, match="no token here"):
        gan.push_to_hub("mia/other")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    kerasgan.GAN.from_preset(HF)


def test_half_a_file_is_none(stand, preset, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    sharing.push(preset, HF)
    stand.cut("model.weights.h5")
    with pytest.raises(ValueError, match="Cannot fetch hf://"):
        presets.find(HF)
    stand.cuts.clear()
    assert presets.is_preset(presets.find(HF))

    sharing.push(preset, KAGGLE)
    stand.cut("DownloadModelInstanceVersion")
    with pytest.raises(ValueError, match="in the middle of a file"):
        presets.find(KAGGLE)
    stand.cuts.clear()
    assert presets.is_preset(presets.find(KAGGLE))


@pytest.mark.parametrize("handle", [HF, KAGGLE])
def test_without_a_net_and_a_cache(stand, gan, handle):
    stand.close()
    with pytest.raises(ValueError, match="cannot be reached, and it is not in the cache"):
        presets.find(handle)
    with pytest.raises(ValueError, match=r"Cannot push .* cannot be reached") as caught:
        gan.push_to_hub(handle)
    assert one_line(caught.value)


@pytest.mark.parametrize("failing", ["preupload", "/blob/", "commit"])
def test_a_push_that_fails_leaves_what_was_there(stand, gan, preset, failing, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    sharing.push(gan, HF)
    before = held(stand, HF)
    stand.refuse(failing, 500)
    with pytest.raises(ValueError, match="status 500"):
        sharing.push(preset, HF, overwrite=True)
    assert held(stand, HF) is before


def test_refused_before_anything_is_asked(stand, gan, preset, tmp_path, monkeypatch):
    for call, says in (
        (lambda: sharing.push(preset, f"{HF}@v1"), "leave 'v1' out"),
        (lambda: sharing.push(preset, "clothes"), "handle is"),
        (lambda: presets.find(HF, "0" * 64), "sha256 is for archives"),
        (lambda: sharing.push(tmp_path / "none", HF), "There is no preset"),
    ):
        with pytest.raises(ValueError, match=says):
            call()
    broken = tmp_path / "broken"
    gan.save_to_preset(broken)
    (broken / "model.weights.h5").write_bytes(b"half")
    with pytest.raises(ValueError, match="is damaged"):
        sharing.push(broken, HF)
    gan.save(tmp_path / "gan.keras")
    with pytest.raises(ValueError, match="kerasgan preset"):
        sharing.push(tmp_path / "gan.keras", HF)
    assert not stand.repositories
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match=r"pip install 'kerasgan\[hub\]'"):
        presets.find(HF)


def test_the_command(stand, preset, tmp_path):
    """In processes of their own, which know the hub by the environment alone."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_ENDPOINT": stand.address,
        "HF_HOME": str(tmp_path / "home"),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
    }

    def run(*arguments):
        command = [sys.executable, "-m", "kerasgan.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    pushed = run("push", f"--preset={preset}", f"--to={HF}")
    assert pushed.returncode == 0, pushed.stderr
    picture = tmp_path / "samples.png"
    drawn = run("sample", f"--preset={HF}", "--n=4", f"--output={picture}")
    assert drawn.returncode == 0, drawn.stderr
    assert picture.is_file()
    assert not any(TOKEN in done.stdout + done.stderr for done in (pushed, drawn))


def test_a_push_that_is_refused_ends_in_one_line(stand, preset, capsys):
    sharing.push(preset, HF)
    capsys.readouterr()
    assert cli.main(["push", f"--preset={preset}", f"--to={HF}"]) == 1
    said = capsys.readouterr().err
    assert "--overwrite" in said
    assert said.count("\n") == 1


def test_bad_command_lines(capsys):
    for arguments in (["push"], ["push", "--preset=a"], ["push", "--preset=a", "--to=clothes"]):
        assert cli.main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1
