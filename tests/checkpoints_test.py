"""Half-trained GANs on disk: which is loaded, and what setting a GAN back gives."""

import shutil

import numpy as np
import pytest
from conftest import assert_same_weights, small_gan, small_images

from kerasgan import checkpoints


def train(gan, epochs=1):
    gan.fit(small_images(32), batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return gan


def test_names_that_are_no_checkpoints_are_passed_over(tmp_path):
    for name in ("step-12.keras", "step-00000003.keras", "step-x.keras", "step-7.png", "other.keras"):
        (tmp_path / name).touch()
    assert [path.name for path in checkpoints.paths(tmp_path)] == ["step-00000003.keras", "step-12.keras"]
    assert checkpoints.paths(tmp_path / "none") == []


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    gan = small_gan()
    for _ in range(2):
        checkpoints.write(train(gan), tmp_path)
    newest = tmp_path / "step-00000008.keras"
    whole = newest.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:200] + b"\0" * 300 + whole[500:]):
        newest.write_bytes(damaged)
        with pytest.warns(
            UserWarning, match=r"Passed over the checkpoint .*step-00000008.keras, which cannot be loaded: "
        ):
            restored = checkpoints.restore(tmp_path)
        assert int(restored.step.numpy()) == 4
    shutil.rmtree(tmp_path)
    assert checkpoints.restore(tmp_path) is None


def test_none_that_can_be_read(tmp_path):
    (tmp_path / "step-00000001.keras").write_bytes(b"no archive")
    with pytest.warns(UserWarning, match="Passed over"), pytest.raises(ValueError, match="None of the checkpoints in"):
        checkpoints.restore(tmp_path)


def test_set_back_is_the_checkpoint_but_for_the_step(tmp_path):
    gan = small_gan(ema_decay=0.9)
    checkpoints.write(train(gan), tmp_path)
    good = checkpoints.restore(tmp_path)
    train(gan, epochs=2)
    checkpoints.set_back(gan, good)
    assert int(gan.step) == 12
    good.step.assign(12)
    assert_same_weights(gan, good)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_named(value):
    gan = small_gan(ema_decay=0.9)
    networks, everything = checkpoints.FiniteCheck(gan), checkpoints.FiniteCheck(gan, optimizers=True)
    assert networks.lost() == everything.lost() == []
    kernel, momentum = gan.discriminator.trainable_variables[0], gan.g_optimizer.variables[3]
    average = gan.ema_generator.trainable_variables[0]
    one = np.zeros(momentum.shape)
    one.flat[-1] = value
    momentum.assign(one)
    assert networks.lost() == []
    kernel.assign(np.full(kernel.shape, value))
    average.assign(np.full(average.shape, value))
    assert networks.lost() == [f"discriminator: {kernel.path}"]
    assert everything.lost() == [
        f"discriminator: {kernel.path}",
        f"average: {average.path}",
        f"g_optimizer: {momentum.path}",
    ]
