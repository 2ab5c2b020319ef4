"""What errors have in common: the name that was meant."""

import re

import numpy as np
import pytest

from kerasgan.errors import checked_weight, suggestion


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("DCGAN", ("dcgan", "ebgan"), "dcgan"),
        ("Vanilla-GAN", ("dcgan", "vanilla_gan"), "vanilla_gan"),
        ("vanila_gan", ("dcgan", "vanilla_gan"), "vanilla_gan"),
        ("rnig", ("ring", "grid"), "ring"),
        ("modle", ("--model", "--loss"), "--model"),
        ("--learning-rate", ("--learning_rate", "--overwrite"), "--learning_rate"),
        ("wgan", ("dcgan", "ebgan", "infogan", "vanilla_gan"), None),
        ("--learning_rate", ("--overwrite", "--output"), None),
        ("", ("dcgan",), None),
    ],
)
def test_the_name_that_was_meant(name, known, meant):
    assert suggestion(name, known) == (f" Did you mean {meant!r}?" if meant else "")


@pytest.mark.parametrize("number", [3, 3.0, np.float32(3), np.int64(3)])
def test_weights_are_numbers_of_every_kind(number):
    found = checked_weight("it", number)
    assert type(found) is float
    assert found == 3.0


@pytest.mark.parametrize("number", [-1, float("nan"), float("inf"), True, "3", None])
def test_what_is_no_weight(number):
    with pytest.raises(ValueError, match=rf"^it must be a finite number, at least 0; found {re.escape(repr(number))}"):
        checked_weight("it", number)
