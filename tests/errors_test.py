"""What errors have in common: the name that was meant."""

import pytest

from kerasgan.errors import suggestion


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
