"""The adversarial losses against quadrature, hand-worked values, plain loops and the published theory."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import latents, losses

LOSSES = [losses.Minimax(), losses.NonSaturating(), losses.KL()]
CRITICS = [losses.Hinge(), losses.LeastSquares(), losses.Wasserstein(), losses.Relativistic()]


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
def test_get_takes_alias_and_instance(alias):
    loss = losses.get(alias)
    assert isinstance(loss, losses.ALIASES[alias])
    assert losses.get(loss) is loss


@pytest.mark.parametrize(
    "loss",
    [
        losses.Minimax(0.25),
        losses.NonSaturating(0.25),
        losses.KL(0.25),
        losses.EBGAN(3.0, 0.5),
        losses.InfoGAN(losses.KL(0.25), 0.5),
        losses.InfoGAN("relativistic", 2.0),
        *CRITICS,
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_get_takes_a_config(loss):
    again = losses.get(losses.serialize(loss))
    assert type(again) is type(loss)
    assert losses.serialize(again) == losses.serialize(loss)
    assert again.get_config() == loss.get_config()


def test_errors_say_what_is_known():
    with pytest.raises(ValueError, match=r"Unknown adversarial loss 'non_saturatin'.*Did you mean 'non_saturating'"):
        losses.get("non_saturatin")
    known = r"ebgan, hinge, infogan, kl, least_squares, minimax, non_saturating, relativistic, wasserstein"
    with pytest.raises(ValueError, match=rf"Unknown adversarial loss 'wgan'\. Known: {known}, or an instance"):
        losses.get("wgan")
    with pytest.raises(ValueError, match=r"Unknown adversarial loss 'least-square'.*Did you mean 'least_squares'"):
        losses.get("least-square")
    with pytest.raises(ValueError, match=r"describes a Mean"):
        losses.get(keras.saving.serialize_keras_object(keras.metrics.Mean()))
    with pytest.raises(ValueError, match=r"label_smoothing must lie in \[0, 1\)"):
        losses.KL(label_smoothing=1.0)


class TestCritics:
    """Losses whose discriminator gives a number that is no probability's logit."""

    def test_hinge_at_the_best_discriminator(self):
        """sign(p - q), summed on a grid because it jumps: L_D = 2 (1 - TV), with TV = 2 Phi(.75) - 1."""
        x = np.linspace(-8, 9.5, 70_001)
        p, q = (np.exp(-0.5 * (x - mean) ** 2) / math.sqrt(2 * math.pi) * (x[1] - x[0]) for mean in (0.0, 1.5))
        best, loss = logits_for(np.sign(p - q)), losses.Hinge()
        on_data = loss.discriminator_loss(best, logits_for(np.full(len(x), -1.0)), None, None).numpy()
        on_samples = loss.discriminator_loss(logits_for(np.ones(len(x))), best, None, None).numpy()
        assert np.sum(p * on_data) + np.sum(q * on_samples) == pytest.approx(0.906509, abs=1e-4)
        # Of a pair, 1 - (relu(1 - D(x)) + relu(1 + D(y))) / 2, of which the halves are summed one by one.
        halves = [
            loss.diagnostics(best, logits_for(np.full(len(x), -1.0)), None, None)["total_variation"],
            loss.diagnostics(logits_for(np.ones(len(x))), best, None, None)["total_variation"],
        ]
        bound = np.sum(p * halves[0].numpy()) + np.sum(q * halves[1].numpy()) - 1.0
        assert bound == pytest.approx(math.erf(0.75 / math.sqrt(2)), abs=1e-4)

    def test_no_discriminator_claims_more_than_the_total_variation(self):
        nodes, weights = normal_quadrature()
        for slope in (0.3, 1.0, 4.0):
            real, fake = (tf.constant(slope * (0.75 - mean - nodes)[:, None]) for mean in (0.0, 1.5))
            bound = float(np.sum(weights * losses.Hinge().diagnostics(real, fake, None, None)["total_variation"]))
            assert bound < math.erf(0.75 / math.sqrt(2))

    def test_least_squares_at_the_best_discriminator(self):
        nodes, weights = normal_quadrature()
        loss, mean = losses.LeastSquares(), tf.Variable(1.5)
        with tf.GradientTape() as tape:
            fake = tf.sigmoid(optimal_logit(mean + nodes))[:, None]
            objective = tf.reduce_sum(weights * loss.generator_loss(fake, None, None))
        assert float(objective) == pytest.approx(0.267775, abs=2e-5)
        assert tape.gradient(objective, mean).numpy() == pytest.approx(0.143293, abs=2e-5)
        real = tf.sigmoid(optimal_logit(nodes))[:, None]
        value = np.sum(weights * loss.discriminator_loss(real, fake, None, None))
        assert float(value) == pytest.approx(0.154817, abs=2e-5)
        logs = loss.diagnostics(real, fake, None, None)
        np.testing.assert_array_equal(logs["d_real"], real[:, 0])
        np.testing.assert_array_equal(logs["d_fake"], fake[:, 0])

    def test_wasserstein_of_two_shifted_normals(self):
        """D(x) = -x is a best critic of slope 1: the gap is the distance of the means, its derivative 1."""
        nodes, weights = normal_quadrature()
        loss, mean = losses.Wasserstein(), tf.Variable(1.5)
        with tf.GradientTape() as tape:
            fake = -(mean + nodes)[:, None]
            objective = tf.reduce_sum(weights * loss.generator_loss(fake, None, None))
        assert tape.gradient(objective, mean).numpy() == pytest.approx(1.0, abs=2e-6)
        real = tf.constant(-nodes[:, None])
        gap = np.sum(weights * loss.diagnostics(real, fake, None, None)["critic_gap"])
        assert float(gap) == pytest.approx(1.5, abs=1e-5)
        assert float(np.sum(weights * loss.discriminator_loss(real, fake, None, None))) == pytest.approx(-gap, abs=1e-5)

    def test_relativistic_at_the_log_ratio(self):
        """All pairs of 60 nodes. The gap is normal with mean 1.5^2 and variance 2 * 1.5^2."""
        nodes, weights = normal_quadrature(60)
        pair_weights = np.outer(weights, weights).ravel()
        x, noise = (part.ravel() for part in np.meshgrid(nodes, nodes, indexing="ij"))
        real, loss, mean = tf.constant(optimal_logit(x)[:, None]), losses.Relativistic(), tf.Variable(1.5)
        with tf.GradientTape() as tape:
            fake = optimal_logit(mean + noise)[:, None]
            objective = tf.reduce_sum(pair_weights * loss.generator_loss(fake, None, None, real))
        assert float(objective) == pytest.approx(2.579411, abs=5e-5)
        assert tape.gradient(objective, mean).numpy() == pytest.approx(1.190969, abs=2e-5)
        value = float(np.sum(pair_weights * loss.discriminator_loss(real, fake, None, None)))
        assert value == pytest.approx(0.329411, abs=2e-5)
        logs = loss.diagnostics(real, fake, None, None)
        assert float(np.sum(pair_weights * logs["pair_jsd"])) == pytest.approx(math.log(2) - value, abs=1e-6)

        x, y = np.meshgrid(np.linspace(-7, 8.5, 400), np.linspace(-7, 8.5, 400), indexing="ij")
        cell = (15.5 / 399) ** 2 / (2 * math.pi)
        ordered, turned = (np.exp(-0.5 * (a**2 + (b - 1.5) ** 2)) * cell for a, b in ((x, y), (y, x)))
        middle = (ordered + turned) / 2
        jsd = sum(0.5 * np.sum(one * np.log(one / middle)) for one in (ordered, turned))
        assert math.log(2) - value == pytest.approx(jsd, abs=2e-5)
        pairs = loss.diagnostics(logits_for(optimal_logit(x).ravel()), logits_for(optimal_logit(y).ravel()), None, None)
        accuracy = np.sum(ordered.ravel() * pairs["pair_accuracy"])
        assert accuracy == pytest.approx(0.5 + 0.5 * math.erf(2.25 / math.sqrt(4.5) / math.sqrt(2)), abs=5e-3)

    @pytest.mark.parametrize("loss", CRITICS, ids=lambda loss: type(loss).__name__)
    def test_gradients_against_finite_differences(self, loss):
        real, fake = np.float32([0.3, -1.7, 2.5, 0.1]), np.float32([-0.4, 0.6, -3.1, 1.9])  # off the hinge's corners
        seen = [logits_for(real)] * loss.reads_real

        def both(real, fake):
            real, fake = (tf.reshape(tf.convert_to_tensor(x, tf.float32), (-1, 1)) for x in (real, fake))
            return loss.discriminator_loss(real, fake, None, None), loss.generator_loss(fake, None, None, *seen)

        for player, place in ((0, 0), (0, 1), (1, 1)):
            samples = [tf.constant(real), tf.constant(fake)]
            with tf.GradientTape() as tape:
                tape.watch(samples)
                objective = tf.reduce_sum(both(*samples)[player])
            up, down = ([real, fake] for _ in range(2))
            up[place], down[place] = up[place] + np.float32(2.0**-6), down[place] - np.float32(2.0**-6)
            slopes = (both(*up)[player] - both(*down)[player]) * 2.0**5
            found = tape.gradient(objective, samples[place])
            np.testing.assert_allclose(found, slopes, atol=2e-4)
            assert np.abs(slopes).max() > 0.2

    def test_values_by_hand(self):
        real, fake = logits_for([0.5, 3.0]), logits_for([-0.25, 2.0])
        softplus = [math.log1p(math.exp(t)) for t in (-0.75, -1.0, 0.75, 1.0)]
        by_hand = [
            ([0.5 + 0.75, 0.0 + 3.0], [0.25, -2.0], [0.5, 3.0]),
            ([(0.25 + 0.0625) / 2, (4.0 + 4.0) / 2], [1.25**2 / 2, 0.5], [0.0, 2.5]),
            ([-0.75, -1.0], [0.25, -2.0], [0.75, 1.0]),
            (softplus[:2], softplus[2:], [0.75, 1.0]),
        ]
        for loss, (discriminator, generator, confidence) in zip(CRITICS, by_hand, strict=True):
            seen = [real] * loss.reads_real
            np.testing.assert_allclose(loss.discriminator_loss(real, fake, None, None), discriminator, rtol=1e-6)
            np.testing.assert_allclose(loss.generator_loss(fake, None, None, *seen), generator, rtol=1e-6)
            np.testing.assert_allclose(loss.confidence(real, fake), confidence, rtol=1e-6)
        np.testing.assert_array_equal(LOSSES[0].confidence(real, fake), [0.5, 3.0])
        energies = {"energy": tf.constant([1.0, 5.0])}, {"energy": tf.constant([4.0, 2.0])}
        np.testing.assert_array_equal(losses.EBGAN().confidence(*energies), [3.0, -3.0])
        logs = losses.Relativistic().diagnostics(logits_for([1.0, 0.0, 0.0]), logits_for([0.0, 1.0, 0.0]), None, None)
        np.testing.assert_array_equal(logs["pair_accuracy"], [1.0, 0.0, 0.0])
        assert float(logs["pair_jsd"][2]) == pytest.approx(0.0, abs=1e-6)  # a D that knows nothing

    def test_what_they_say_of_themselves(self):
        assert [loss.reads_real for loss in [*LOSSES, *CRITICS]] == [False] * 6 + [True]
        assert [loss.gives_probability for loss in [*LOSSES, *CRITICS]] == [True] * 3 + [False] * 4
        assert not losses.EBGAN().gives_probability
        for loss in CRITICS:
            assert not {"value", "jsd"} & set(loss.diagnostic_names(None))
            logits = tf.cast(logits_for([0.5, -1.0, 2.0]), tf.bfloat16)
            logs = loss.diagnostics(logits, logits, None, None)
            assert tuple(logs) == loss.diagnostic_names(None)
            seen = [logits] * loss.reads_real
            made = loss.generator_loss(logits, None, None, *seen), loss.discriminator_loss(logits, logits, None, None)
            for value in (*made, loss.confidence(logits, logits), *logs.values()):
                assert value.shape == (3,)
                assert value.dtype == tf.float32

    def test_no_overflow_at_large_numbers(self):
        real, fake = logits_for([-200.0, 200.0]), logits_for([200.0, -200.0])
        loss = losses.Relativistic()
        np.testing.assert_allclose(loss.discriminator_loss(real, fake, None, None), [400.0, 0.0])
        np.testing.assert_allclose(loss.generator_loss(fake, None, None, real), [0.0, 400.0])

    def test_errors(self):
        with pytest.raises(ValueError, match=r"relativistic generator loss needs the discriminator's outputs for real"):
            losses.Relativistic().generator_loss(logits_for([1.0]), None, None)
        with pytest.raises(ValueError, match=r"AdversarialLoss does not say when its discriminator is right"):
            losses.AdversarialLoss().confidence(None, None)
        for loss in CRITICS:
            with pytest.raises(ValueError, match=r"one logit per sample"):
                loss.discriminator_loss(tf.zeros((3, 2)), tf.zeros((3, 2)), None, None)
            with pytest.raises(ValueError, match=r"reads logits, but the discriminator gives only energy"):
                loss.discriminator_loss({"energy": tf.zeros(3)}, {"energy": tf.zeros(3)}, None, None)


class TestEBGAN:
    def test_by_hand(self):
        """The hinge is taken sample by sample: a batch mean of 6 would give max(0, 4 - 6) = 0 for both."""
        loss = losses.EBGAN(margin=4.0)
        real = {"energy": tf.constant([1.0, 2.0])}
        fake = {"energy": tf.constant([3.0, 9.0])}
        np.testing.assert_allclose(loss.discriminator_loss(real, fake, None, None), [1.0 + 1.0, 2.0 + 0.0])
        np.testing.assert_allclose(loss.generator_loss(fake, None, None), [3.0, 9.0])
        logs = loss.diagnostics(real, fake, None, None)
        assert tuple(logs) == loss.diagnostic_names(None) == ("energy_real", "energy_fake")
        np.testing.assert_array_equal(logs["energy_real"], [1.0, 2.0])
        np.testing.assert_array_equal(logs["energy_fake"], [3.0, 9.0])

    def test_value_where_generator_and_data_agree(self):
        """Theorem 1: at the equilibrium V = m, whatever D is between 0 and m, and no such D can be improved."""
        energy = tf.Variable(np.linspace(0.01, 1.99, 50), dtype=tf.float32)
        with tf.GradientTape() as tape:
            outputs = {"energy": energy.value()}
            value = losses.EBGAN(margin=2.0).discriminator_loss(outputs, outputs, None, None)
        np.testing.assert_allclose(value, 2.0, rtol=1e-6)
        np.testing.assert_allclose(tape.gradient(value, energy), 0.0, atol=1e-6)

    def test_value_of_the_best_discriminator(self):
        """One free energy at each of 1,401 points, fitted to p = N(0, 1), q = N(1.5, 1): V = m (1 - TV)."""
        m, x = 2.0, np.linspace(-6, 8, 1401)
        p, q = (np.exp(-0.5 * (x - mean) ** 2) / math.sqrt(2 * math.pi) * 0.01 for mean in (0.0, 1.5))
        loss, energy = losses.EBGAN(margin=m), tf.Variable(np.full(1401, m / 2), dtype=tf.float32)

        def value():
            real, fake, none = {"energy": energy.value()}, {"energy": energy.value()}, {"energy": tf.fill([1401], m)}
            on_data = loss.discriminator_loss(real, none, None, None)  # D(x)
            on_samples = loss.discriminator_loss({"energy": tf.zeros([1401])}, fake, None, None)  # [m - D(x)]^+
            return tf.reduce_sum(p.astype(np.float32) * on_data + q.astype(np.float32) * on_samples)

        for _ in range(300):
            with tf.GradientTape() as tape:
                objective = value()
            energy.assign(tf.nn.relu(energy - 0.02 * tf.sign(tape.gradient(objective, energy))))
        assert float(value()) == pytest.approx(0.453255 * m, abs=2e-4)

    def test_the_pulling_away_term_against_a_plain_double_loop(self):
        rows = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
        total = 0.0
        for i in range(7):
            for j in range(7):
                if i != j:
                    cosine = rows[i] @ rows[j] / (np.linalg.norm(rows[i]) * np.linalg.norm(rows[j]))
                    total += cosine**2
        found = losses.pulling_away_term(tf.constant(rows))
        assert found.shape == (7,)
        assert float(tf.reduce_mean(found)) == pytest.approx(total / (7 * 6), rel=1e-5)
        maps = tf.reshape(tf.constant(np.tile(rows, (1, 4))), (7, 2, 5, 2))
        assert losses.pulling_away_term(maps).shape == (7,)

    def test_the_pulling_away_term_at_its_ends(self):
        same = np.tile(np.float32([[1.0, -2.0, 0.5]]), (4, 1)) * np.float32([[1], [3], [-2], [0.1]])
        np.testing.assert_allclose(losses.pulling_away_term(tf.constant(same)), 1.0, rtol=1e-5)
        np.testing.assert_allclose(losses.pulling_away_term(3 * tf.eye(5)), 0.0, atol=1e-7)
        zero = tf.constant([[0.0, 0.0], [1.0, 1.0]])
        with tf.GradientTape() as tape:
            tape.watch(zero)
            term = losses.pulling_away_term(zero)
        np.testing.assert_array_equal(term, [0.0, 0.0])
        assert np.isfinite(tape.gradient(term, zero)).all()

    def test_the_pulling_away_term_is_the_generators_alone(self):
        outputs = {"energy": tf.constant([1.0, 2.0]), "encoding": tf.constant([[1.0, 0.0], [1.0, 1.0]])}
        plain, pulling = losses.EBGAN(5.0), losses.EBGAN(5.0, pulling_away_weight=0.1)
        np.testing.assert_allclose(pulling.generator_loss(outputs, None, None), [1.0 + 0.05, 2.0 + 0.05], rtol=1e-6)
        np.testing.assert_array_equal(
            pulling.discriminator_loss(outputs, outputs, None, None),
            plain.discriminator_loss(outputs, outputs, None, None),
        )

    def test_errors(self):
        for margin in (0.0, -1.0, float("inf"), float("nan")):
            with pytest.raises(ValueError, match=r"margin must be a finite number above 0; found"):
                losses.EBGAN(margin)
        with pytest.raises(ValueError, match=r"pulling_away_weight must be a finite number, at least 0; found -0.1"):
            losses.EBGAN(1.0, -0.1)
        one = {"energy": tf.constant([1.0]), "encoding": tf.ones((1, 3))}
        with pytest.raises(ValueError, match=r"compares the samples of a batch: it needs at least 2; found 1"):
            losses.EBGAN(1.0, 0.1).generator_loss(one, None, None)
        assert losses.EBGAN(1.0, 0.1).smallest_batch == 2
        assert losses.EBGAN(1.0).smallest_batch == 1
        with pytest.raises(ValueError, match=r"EBGAN reads energies: .*; found codes, logits"):
            losses.EBGAN().generator_loss({"logits": one, "codes": one}, None, None)
        with pytest.raises(ValueError, match=r"EBGAN reads energies: .*; found one tensor"):
            losses.EBGAN().generator_loss(tf.zeros((3, 1)), None, None)
        with pytest.raises(ValueError, match=r"one energy per sample, shape \[B\]; the discriminator gives \(3, 1\)"):
            losses.EBGAN().generator_loss({"energy": tf.zeros((3, 1))}, None, None)
        with pytest.raises(ValueError, match=r"must give 'encoding' \[B, E\]; found energy"):
            losses.EBGAN(1.0, 0.1).generator_loss({"energy": tf.zeros(3)}, None, None)


class TestInfoGAN:
    latent = latents.Coded(3, (4, 2), 1)

    def outputs(self, z, certainty):
        """Q's answers: `certainty` times the true one-hot codes, and the true continuous code."""
        codes = self.latent.split(z)
        scores = [certainty * one_hot for one_hot in codes["categorical"]]
        return {"logits": tf.zeros((len(z), 1)), "codes": tf.concat([*scores, codes["continuous"]], axis=1)}

    def test_the_bound_is_the_entropy_when_q_is_certain_and_right(self):
        z = self.latent.sample(50, [0, 1])
        bounds = losses.mutual_information(self.outputs(z, 100.0), z, self.latent)
        np.testing.assert_allclose(bounds["categorical_0"], math.log(4), rtol=1e-6)
        np.testing.assert_allclose(bounds["categorical_1"], math.log(2), rtol=1e-6)
        # log 2 - log(2 pi) / 2: H(c) of (-1, 1) less the entropy's worth of a Gaussian of standard deviation 1
        np.testing.assert_allclose(bounds["continuous_0"], -0.2257914, rtol=1e-5)
        ten = latents.Coded(1, (10,), 0)
        z = ten.sample(20, [0, 0])
        answers = {"logits": tf.zeros((20, 1)), "codes": 100.0 * z[:, 1:]}
        np.testing.assert_allclose(losses.mutual_information(answers, z, ten)["categorical_0"], 2.302585, rtol=1e-6)

    def test_the_bound_is_zero_when_q_ignores_the_image(self):
        z = self.latent.sample(50, [0, 1])
        bounds = losses.mutual_information(self.outputs(z, 0.0), z, self.latent)
        np.testing.assert_allclose(bounds["categorical_0"], 0.0, atol=1e-6)

    def test_the_bound_never_exceeds_the_entropy(self):
        z = self.latent.sample(500, [0, 2])
        rng = np.random.default_rng(0)
        for scale in (0.1, 1.0, 30.0):
            codes = tf.constant(scale * rng.normal(size=(500, 7)).astype(np.float32))
            bounds = losses.mutual_information({"logits": None, "codes": codes}, z, self.latent)
            assert float(tf.reduce_max(bounds["categorical_0"])) <= math.log(4) + 1e-6
            assert float(tf.reduce_max(bounds["continuous_0"])) <= math.log(2)

    def test_by_hand(self):
        latent = latents.Coded(1, (2,), 1)
        z = tf.constant([[0.3, 0.0, 1.0, 0.5]])  # noise, the second of two categories, a code of .5
        outputs = {"logits": tf.constant([[0.7]]), "codes": tf.constant([[1.0, 2.0, -0.25]])}
        categorical = math.log(2) + math.log(math.exp(2) / (math.exp(1) + math.exp(2)))
        density = math.exp(-0.5 * 0.75**2) / math.sqrt(2 * math.pi)
        continuous = math.log(2) + math.log(density)
        loss = losses.InfoGAN("kl", information_weight=0.5)
        logs = loss.diagnostics(outputs, outputs, z, latent)
        assert tuple(logs) == loss.diagnostic_names(latent)
        assert float(logs["mutual_information_categorical_0"][0]) == pytest.approx(categorical, rel=1e-5)
        assert float(logs["mutual_information_continuous_0"][0]) == pytest.approx(continuous, rel=1e-5)
        assert float(logs["mutual_information"][0]) == pytest.approx(categorical + continuous, rel=1e-5)
        information = 0.5 * (categorical + continuous)
        generator = float(loss.generator_loss(outputs, z, latent)[0])
        assert generator == pytest.approx(-0.7 - information, rel=1e-5)
        discriminator = float(loss.discriminator_loss(outputs, outputs, z, latent)[0])
        by_hand = math.log(1 + math.exp(-0.7)) + math.log(1 + math.exp(0.7))
        assert discriminator == pytest.approx(by_hand - information, rel=1e-5)

    def test_on_top_of_any_logit_loss(self):
        z = self.latent.sample(5, [0, 0])
        outputs = {**self.outputs(z, 1.0), "logits": logits_for([-1.0, 0.5, 2.0, 0.0, 3.0])}
        information = sum(losses.mutual_information(outputs, z, self.latent).values())
        real = {**outputs, "logits": logits_for([1.5, -0.5, 0.0, 4.0, -2.0])}
        for loss in [*LOSSES, *CRITICS]:
            both = losses.InfoGAN(loss, information_weight=2.0)
            seen = [real] * loss.reads_real
            np.testing.assert_allclose(
                both.generator_loss(outputs, z, self.latent, *seen),
                loss.generator_loss(outputs, z, self.latent, *seen) - 2.0 * information,
                rtol=1e-5,
            )
            np.testing.assert_allclose(
                both.discriminator_loss(real, outputs, z, self.latent),
                loss.discriminator_loss(real, outputs, z, self.latent) - 2.0 * information,
                rtol=1e-5,
                atol=1e-6,
            )
            assert both.reads_real == loss.reads_real
            assert both.gives_probability == loss.gives_probability
            logs = both.diagnostics(real, outputs, z, self.latent)
            assert tuple(logs) == both.diagnostic_names(self.latent)
            for name, value in loss.diagnostics(real, outputs, z, self.latent).items():
                np.testing.assert_array_equal(logs[name], value)
            np.testing.assert_array_equal(both.confidence(real, outputs), loss.confidence(real, outputs))

    def test_its_gradient_reaches_the_generator_through_the_image(self):
        """x = W z, Q reads x: the chain rule by hand against what the tape finds for W."""
        latent = latents.Coded(1, (3,), 0)
        z = latent.sample(6, [0, 0])
        rng = np.random.default_rng(1)
        weights = tf.Variable(rng.normal(size=(4, 2)).astype(np.float32))
        q = rng.normal(size=(2, 3)).astype(np.float32)
        with tf.GradientTape() as tape:
            image = z @ weights
            outputs = {"logits": tf.zeros((6, 1)), "codes": image @ q}
            information = losses.mutual_information(outputs, z, latent)["categorical_0"]
        scores = z.numpy() @ weights.numpy() @ q
        softmax = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        by_hand = z.numpy().T @ (z.numpy()[:, 1:] - softmax) @ q.T
        np.testing.assert_allclose(tape.gradient(information, weights), by_hand, rtol=1e-4, atol=1e-5)
        assert np.abs(by_hand).max() > 0.1

    def test_errors(self):
        with pytest.raises(
            ValueError, match=r"builds on a logit loss or a critic's: minimax, .*, relativistic; found EBGAN"
        ):
            losses.InfoGAN("ebgan")
        with pytest.raises(ValueError, match=r"a critic's: .*; found InfoGAN"):
            losses.InfoGAN(losses.InfoGAN())
        with pytest.raises(ValueError, match=r"information_weight must be a finite number, at least 0; found -1"):
            losses.InfoGAN(information_weight=-1)
        with pytest.raises(ValueError, match=r"needs a latent with codes, .*; found Normal"):
            losses.InfoGAN().diagnostic_names(latents.Normal(3))
        z = self.latent.sample(2, [0, 0])
        with pytest.raises(ValueError, match=r"InfoGAN reads codes: .*; found one tensor"):
            losses.InfoGAN().generator_loss(tf.zeros((2, 1)), z, self.latent)
        with pytest.raises(
            ValueError, match=r"codes have 5 numbers; this latent's 2 categorical and 1 continuous .* 7"
        ):
            losses.InfoGAN().generator_loss({"logits": tf.zeros((2, 1)), "codes": tf.zeros((2, 5))}, z, self.latent)
