"""The model repository: what lies in saved_models/, and what `export --all` makes of presets."""

import os
import pathlib

import pytest
from conftest import coded_gan, small_gan
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,  # noqa: F401 (its messages must be known)
)
from tensorflow_serving.config import model_server_config_pb2

from kerasgan.serving import repository
from kerasgan.serving.signatures import BATCH_SIZES

SAVED_MODELS = pathlib.Path(__file__).parent.parent.parent / "saved_models"


def message_class(name, fields, dependencies=()):
    """A message by its fields' numbers: tensorflow-serving-api has no class for two of the server's files."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"test/{name}.proto", package="test", syntax="proto3", dependency=dependencies
    )
    for message, members in fields.items():
        added = file.message_type.add(name=message)
        for number, (field, kind) in members.items():
            *repeated, kind = kind.split()
            member = added.field.add(name=field, number=number)
            member.label = member.LABEL_REPEATED if repeated else member.LABEL_OPTIONAL
            if kind.startswith("."):
                member.type, member.type_name = member.TYPE_MESSAGE, kind
            else:
                member.type = getattr(member, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"test.{name}"))


def read_config(path):
    return text_format.Parse(path.read_text(), model_server_config_pb2.ModelServerConfig()).model_config_list.config


def test_batching():
    """tensorflow_serving/servables/tensorflow/session_bundle_config.proto"""
    int64 = ".google.protobuf.Int64Value"
    parameters = message_class(
        "BatchingParameters",
        {
            "BatchingParameters": {
                1: ("max_batch_size", int64),
                2: ("batch_timeout_micros", int64),
                3: ("max_enqueued_batches", int64),
                4: ("num_batch_threads", int64),
                6: ("allowed_batch_sizes", "repeated int64"),
            }
        },
        ["google/protobuf/wrappers.proto"],
    )
    batching = text_format.Parse((SAVED_MODELS / "batching.pbtxt").read_text(), parameters())
    assert tuple(batching.allowed_batch_sizes) == BATCH_SIZES  # which a version is warmed up for
    assert list(BATCH_SIZES) == sorted(BATCH_SIZES)
    assert batching.max_batch_size.value == BATCH_SIZES[-1]
    assert batching.batch_timeout_micros.value > 0
    assert batching.num_batch_threads.value > 0


def test_monitoring():
    """tensorflow_serving/config/monitoring_config.proto"""
    monitoring = message_class(
        "MonitoringConfig",
        {
            "PrometheusConfig": {1: ("enable", "bool"), 2: ("path", "string")},
            "MonitoringConfig": {1: ("prometheus_config", ".test.PrometheusConfig")},
        },
    )
    config = text_format.Parse((SAVED_MODELS / "monitoring.config").read_text(), monitoring())
    assert config.prometheus_config.enable
    assert config.prometheus_config.path == "/monitoring/prometheus/metrics"


def test_compose_and_kserve():
    yaml = pytest.importorskip("yaml")
    services = yaml.safe_load((SAVED_MODELS / "compose.yaml").read_text())["services"]
    assert set(services) == {"gpu", "cpu"}
    for name, service in services.items():
        assert service["profiles"] == [name]
        assert service["image"].endswith("-gpu") == (name == "gpu")
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["volumes"] == [f".:{repository.MOUNT}:ro"]
        for argument in service["command"]:
            value = argument.partition("=")[2]
            if value.startswith("/"):
                assert (SAVED_MODELS / pathlib.PurePosixPath(value).relative_to(repository.MOUNT)).is_file()
    assert services["gpu"]["environment"] == {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    service = yaml.safe_load((SAVED_MODELS / "kserve.yaml").read_text())
    assert service["kind"] == "InferenceService"
    assert service["spec"]["predictor"]["model"]["modelFormat"] == {"name": "tensorflow"}


def test_the_readme_explains_every_setting():
    readme = (SAVED_MODELS / "README.md").read_text()
    for name in ("batching.pbtxt", "monitoring.config", "compose.yaml", "kserve.yaml"):
        for line in (SAVED_MODELS / name).read_text().splitlines():
            key = line.split("#")[0].strip().removeprefix("- ").removeprefix("--").replace("=", ":").partition(":")[0]
            key = key.partition("{")[0].strip()
            assert not key or key in ("}", "<<") or key in readme, (name, key)


def test_the_committed_list_is_true():
    assert [entry.name for entry in read_config(SAVED_MODELS / "models.config")] == [
        path.parent.name for path in sorted(SAVED_MODELS.glob("*/config.json"))
    ]


def test_every_preset_is_exported_and_listed(tmp_path):
    small_gan().save_to_preset(tmp_path / "small")
    coded_gan().save_to_preset(tmp_path / "coded")
    (tmp_path / "notes").mkdir()
    assert list(repository.publish_all(tmp_path)) == [tmp_path / "coded" / "1", tmp_path / "small" / "1"]
    config = read_config(tmp_path / "models.config")
    assert [(entry.name, entry.base_path, entry.model_platform) for entry in config] == [
        ("coded", "/models/coded", "tensorflow"),
        ("small", "/models/small", "tensorflow"),
    ]

    small_gan().save(tmp_path / "notes" / "third.keras")
    assert repository.publish_preset(tmp_path / "notes" / "third.keras", tmp_path / "third") == tmp_path / "third" / "1"
    assert [entry.name for entry in read_config(tmp_path / "models.config")] == ["coded", "small", "third"]


def test_a_list_of_somebody_elses_is_left_alone(tmp_path):
    small_gan().save_to_preset(tmp_path / "small")
    (tmp_path / "models.config").write_text("model_config_list {}  # mine")
    with pytest.raises(ValueError, match="was not written by kerasgan; move it away"):
        list(repository.publish_all(tmp_path))
    assert not (tmp_path / "small" / "1").exists()
    assert repository.publish_preset(tmp_path / "small", tmp_path / "small") == tmp_path / "small" / "1"
    assert (tmp_path / "models.config").read_text() == "model_config_list {}  # mine"


def test_a_damaged_preset_does_not_stop_the_others(tmp_path):
    for name in ("a_damaged", "b_whole", "c_without"):
        small_gan().save_to_preset(tmp_path / name)
    (tmp_path / "a_damaged" / "model.weights.h5").write_bytes(b"no weights")
    (tmp_path / "c_without" / "model.weights.h5").unlink()
    (tmp_path / "photos" / "2024").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"2 of 3 presets could not be exported\. a_damaged: .* c_without: "):
        list(repository.publish_all(tmp_path))
    assert (tmp_path / "b_whole" / "1" / "saved_model.pb").is_file()
    assert [entry.name for entry in read_config(tmp_path / "models.config")] == ["b_whole"]


@pytest.mark.parametrize("folder", ["empty", "nowhere"])
def test_no_presets(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="There is no preset in"):
        list(repository.publish_all(tmp_path / folder))
    assert os.listdir(tmp_path) == ["empty"]
