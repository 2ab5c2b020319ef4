"""The adversarial losses against quadrature, hand-worked values and the published theory."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import losses

LOSSES = [losses.Minimax(), losses.NonSaturating(), losses.KL()]


def logits_for(values):
    return tf.constant(np.asarray(values, np.float32)[:, None])


def optimal_logit(x):
    """log p/q for data p = N(0, 1) and generator q = N(1.5, 1): ((x - 1.5)^2 - x^2) / 2."""
    return 1.125 - 1.5 * x


def normal_quadrature(nodes=120):
    """Nodes and weights of E[f(e)], e ~ N(0, 1)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return nodes.astype(np.float32), (weights / math.sqrt(2 * math.pi)).astype(np.float32)


@pytest.mark.parametrize(("loss", "expected"), [(LOSSES[0], 0.464450), (LOSSES[1], 1.035550), (LOSSES[2], 1.500000)])
def test_gradient_against_the_optimal_discriminator(loss, expected):
    """d/d mean of E_q[loss], D frozen at p / (p + q); the three numbers are computed, 1.5 is d/dm m^2/2 = KL's."""
    nodes, weights = normal_quadrature()
    mean = tf.Variable(1.5)
    with tf.GradientTape() as tape:
        logits = optimal_logit(mean + nodes)[:, None]
        objective = tf.reduce_sum(weights * loss.generator_loss(logits, None, None))
    assert tape.gradient(objective, mean).numpy() == pytest.approx(expected, abs=2e-5)


def test_value_and_jsd_of_the_optimal_discriminator():
    nodes, weights = normal_quadrature()
    real, fake = (optimal_logit(mean + nodes)[:, None] for mean in (0.0, 1.5))
    logs = LOSSES[0].diagnostics(tf.constant(real), tf.constant(fake), None, None)
    value = float(np.sum(weights * logs["value"]))
    assert value == pytest.approx(-0.943953, abs=2e-5)
    jsd = float(np.sum(weights * logs["jsd"]))
    assert jsd == pytest.approx((value + math.log(4)) / 2, abs=1e-6)
    d_loss = float(np.sum(weights * LOSSES[0].discriminator_loss(tf.constant(real), tf.constant(fake), None, None)))
    assert d_loss == pytest.approx(0.943953, abs=2e-5)


def test_a_discriminator_that_knows_nothing_is_worth_minus_log_4():
    zero = logits_for([0.0])
    logs = LOSSES[0].diagnostics(zero, zero, None, None)
    assert float(logs["value"][0]) == pytest.approx(-1.386294, abs=1e-6)
    assert float(logs["jsd"][0]) == pytest.approx(0.0, abs=1e-6)
    assert float(logs["d_real"][0]) == 0.5


def test_gradients_on_the_logit_are_d_one_minus_d_and_one():
    logits = logits_for([-2.0, 0.0, 3.0])
    d = 1 / (1 + np.exp(-logits.numpy()[:, 0]))
    for loss, size in zip(LOSSES, (d, 1 - d, np.ones(3)), strict=True):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            objective = tf.reduce_sum(loss.generator_loss(logits, None, None))
        np.testing.assert_allclose(tape.gradient(objective, logits)[:, 0], -size, rtol=1e-6)


def test_kl_is_the_sum_of_the_other_two():
    logits = logits_for(np.linspace(-10, 10, 41))
    minimax, non_saturating, kl = (loss.generator_loss(logits, None, None).numpy() for loss in LOSSES)
    np.testing.assert_allclose(minimax + non_saturating, kl, atol=2e-6)


@pytest.mark.parametrize("sign", [-1, 1])
def test_no_logarithm_of_zero_at_logits_of_80(sign):
    logits = logits_for([80.0 * sign])
    by_hand = {-1: (0.0, 80.0, 80.0), 1: (-80.0, 0.0, -80.0)}[sign]
    gradients = {-1: (0.0, -1.0, -1.0), 1: (-1.0, 0.0, -1.0)}[sign]
    for loss, value, gradient in zip(LOSSES, by_hand, gradients, strict=True):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            generator = loss.generator_loss(logits, None, None)
        assert float(generator[0]) == pytest.approx(value, abs=1e-6)
        assert float(tape.gradient(generator, logits)[0, 0]) == pytest.approx(gradient, abs=1e-6)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            discriminator = loss.discriminator_loss(logits, logits, None, None)
        assert float(discriminator[0]) == pytest.approx(80.0, abs=1e-5)
        assert float(tape.gradient(discriminator, logits)[0, 0]) == pytest.approx(float(sign), abs=1e-6)


def test_one_sided_label_smoothing_is_cross_entropy_with_target_one_minus_s():
    real, fake, s = 0.7, -0.4, 0.1
    loss = losses.NonSaturating(label_smoothing=s)
    d_real, d_fake = (1 / (1 + math.exp(-logit)) for logit in (real, fake))
    expected = -(1 - s) * math.log(d_real) - s * math.log(1 - d_real) - math.log(1 - d_fake)
    found = loss.discriminator_loss(logits_for([real]), logits_for([fake]), None, None)
    assert float(found[0]) == pytest.approx(expected, rel=1e-6)
    unsmoothed = losses.NonSaturating().generator_loss(logits_for([fake]), None, None)
    np.testing.assert_array_equal(loss.generator_loss(logits_for([fake]), None, None), unsmoothed)
    assert losses.NonSaturating().label_smoothing == 0.0


def test_losses_are_per_sample_and_float32_whatever_the_discriminator_computes_in():
    logits = tf.cast(logits_for([0.5, -1.0, 2.0]), tf.bfloat16)
    for loss in LOSSES:
        for value in (
            loss.generator_loss(logits, None, None),
            loss.discriminator_loss(logits, logits, None, None),
            *loss.diagnostics(logits, logits, None, None).values(),
        ):
            assert value.shape == (3,)
            assert value.dtype == tf.float32


def test_logits_are_found_in_a_dict_of_outputs():
    logits = logits_for([1.0])
    np.testing.assert_array_equal(losses.logits_of({"logits": logits, "codes": logits}), [1.0])
    with pytest.raises(ValueError, match=r"reads logits, but the discriminator gives only encoding, energy"):
        losses.logits_of({"energy": logits, "encoding": logits})
    with pytest.raises(ValueError, match=r"one logit per sample"):
        losses.logits_of(tf.zeros((3, 2)))


@pytest.mark.parametrize("alias", sorted(losses.ALIASES))
def test_get_takes_alias_instance_and_config(alias):
    loss = losses.get(alias)
    assert isinstance(loss, losses.ALIASES[alias])
    assert losses.get(loss) is loss
    again = losses.get(losses.serialize(type(loss)(label_smoothing=0.25)))
    assert type(again) is type(loss)
    assert again.label_smoothing == 0.25


def test_errors_say_what_is_known():
    with pytest.raises(ValueError, match=r"Unknown adversarial loss 'non_saturatin'.*Did you mean 'non_saturating'"):
        losses.get("non_saturatin")
    with pytest.raises(ValueError, match=r"kl, minimax, non_saturating"):
        losses.get("hinge")
    with pytest.raises(ValueError, match=r"describes a Mean"):
        losses.get(keras.saving.serialize_keras_object(keras.metrics.Mean()))
    with pytest.raises(ValueError, match=r"label_smoothing must lie in \[0, 1\)"):
        losses.KL(label_smoothing=1.0)
