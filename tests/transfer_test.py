"""Weights of one GAN as the beginning of another, compared with weights moved by hand."""

import keras
import numpy as np
import pytest

import kerasgan
from kerasgan import transfer
from kerasgan.registry import create_model

DCGAN = {"image_shape": (32, 32, 1), "generator_width": 4, "discriminator_width": 4}
R3GAN = {"image_shape": (32, 32, 3), "width": 16, "group_width": 4, "full_width_until": 32, "blocks": 1}
R3GAN |= {"latent_dim": 8, "embedding_dim": 6, "penalties": None, "augment": None, "ema_decay": None}


def shaken(gan, seed=0):
    """Weights that are all different, as a trained GAN has them."""
    numbers = np.random.default_rng(seed)
    for network in (gan.generator, gan.discriminator):
        network.set_weights([w + numbers.normal(0, 0.1, w.shape).astype(np.float32) for w in network.get_weights()])
    return gan


def test_the_same_networks_draw_the_same():
    source, target = shaken(create_model("r3gan", classes=("a", "b"), **R3GAN)), None
    target = create_model("r3gan", classes=("a", "b"), seed=5, **R3GAN)
    done = transfer.carry_over(source, target)
    assert done["generator"].carried == done["generator"].total == source.generator.count_params()
    assert not done["discriminator"].new + done["discriminator"].adapted
    np.testing.assert_array_equal(target.generate(4, labels="b"), source.generate(4, labels="b"))
    assert str(done["generator"]) == f"100.0 % of {source.generator.count_params():,} numbers carried over"


def test_classes_of_the_same_name_keep_their_own_and_others_begin_as_the_mean_of_all():
    source = shaken(create_model("r3gan", classes=("a", "b", "c"), **R3GAN))
    target = create_model("r3gan", classes=("c", "new"), **R3GAN)
    done = transfer.carry_over(source, target)
    head, new_head = source.discriminator.layers[-1].get_weights()[0], target.discriminator.layers[-1].get_weights()[0]
    np.testing.assert_array_equal(new_head, np.stack([head[:, 2], head.mean(axis=1)], axis=1))
    embedding = next(w for w in source.generator.get_weights() if w.shape == (3, 6))
    new_embedding = next(w for w in target.generator.get_weights() if w.shape == (2, 6))
    np.testing.assert_allclose(new_embedding, [embedding[2], embedding.mean(axis=0)], rtol=1e-6)
    np.testing.assert_array_equal(target.generate(2, labels="c"), source.generate(2, labels="c"))
    assert [len(done[part].adapted) for part in ("generator", "discriminator")] == [1, 1]


def test_the_same_classes_in_another_order():
    source = shaken(create_model("dcgan", classes=("a", "b"), ema_decay=0.9, **DCGAN))
    target = create_model("dcgan", classes=("b", "a"), ema_decay=0.9, **DCGAN)
    transfer.carry_over(source, target)
    # of the average there is one in the source, and drawing is its part
    for label in ("a", "b"):
        z, other = np.zeros((1, 102), np.float32), np.zeros((1, 102), np.float32)
        z[0, :3] = other[0, :3] = 1.0
        z[0, 100 + source.class_names.index(label)] = other[0, 100 + target.class_names.index(label)] = 1.0
        drawn = source.inference_generator()(z, training=False)
        np.testing.assert_allclose(target.generator(other, training=False), drawn, atol=1e-6)
        np.testing.assert_allclose(target.ema_generator(other, training=False), drawn, atol=1e-6)


@pytest.mark.parametrize("family", ["dcgan", "r3gan"])
def test_classes_that_are_new_make_no_difference_at_first(family):
    settings = R3GAN if family == "r3gan" else DCGAN
    source = shaken(create_model(family, **settings))
    target = create_model(family, classes=3, **settings)
    transfer.carry_over(source, target)
    noise = target.latent.noise
    z = np.random.default_rng(1).normal(size=(3, noise)).astype(np.float32)
    labelled = np.concatenate([z, np.eye(3, dtype=np.float32)], axis=1)
    np.testing.assert_allclose(
        target.generator(labelled, training=False), source.generator(z, training=False), atol=1e-5
    )
    images = source.generator(z, training=False)
    logits = target.discriminator(images, training=False)
    np.testing.assert_allclose(logits, np.repeat(source.discriminator(images, training=False), 3, axis=1), rtol=1e-4)


def test_a_larger_size_adds_a_stage_and_a_smaller_one_leaves_it_out():
    wide = {**R3GAN, "full_width_until": 64}
    source = shaken(create_model("r3gan", **wide))
    larger = create_model("r3gan", **{**wide, "image_shape": (64, 64, 3), "small": True})
    done = transfer.carry_over(source, larger)
    assert done["generator"].carried == source.generator.count_params()  # all of it, and a new stage beside it
    first = source.generator.layers, larger.generator.layers
    np.testing.assert_array_equal(*(next(x for x in layers if x.weights).get_weights()[0] for layers in first))
    again = create_model("r3gan", seed=3, **wide)
    transfer.carry_over(larger, again)
    np.testing.assert_array_equal(again.generate(2), source.generate(2))


def test_what_does_not_fit():
    source = create_model("dcgan", **DCGAN)
    with pytest.raises(ValueError, match=r"^The trained model draws from 100 numbers of noise, the new one from 7;"):
        transfer.carry_over(source, create_model("dcgan", latent_dim=7, **DCGAN))
    with pytest.raises(ValueError, match=r"^The trained model makes samples of 1 channels, the new one of 3;"):
        transfer.carry_over(source, create_model("dcgan", **{**DCGAN, "image_shape": (32, 32, 3)}))
    with pytest.raises(ValueError, match=r"^The two models' generators have no layer in common\.$"):
        transfer.carry_over(source, create_model("vanilla_gan", image_shape=(32, 32, 1), generator_units=4))


def test_frozen_layers_stay_and_the_average_follows(tmp_path):
    gan = create_model("dcgan", ema_decay=0.5, **DCGAN)
    names = transfer.freeze(gan, "discriminator:2, generator:1")
    assert names == [
        *[layer.name for layer in transfer.weighted_layers(gan.discriminator)[:2]],
        transfer.weighted_layers(gan.generator)[0].name,
    ]
    frozen = [gan.discriminator.get_layer(names[0]), gan.discriminator.get_layer(names[1])]
    frozen.append(gan.generator.get_layer(names[2]))
    before = [[w.copy() for w in layer.get_weights()] for layer in frozen]
    last = gan.discriminator.layers[-1].get_weights()[0].copy()
    images = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 1)).astype(np.float32)
    gan.fit(images, batch_size=4, epochs=1, verbose=0)
    for layer, weights in zip(frozen, before, strict=True):
        for one, other in zip(layer.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(one, other)
    assert np.abs(gan.discriminator.layers[-1].get_weights()[0] - last).max() > 0
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert not again.discriminator.get_layer(names[0]).trainable
    np.testing.assert_array_equal(again.generate(2), gan.generate(2))


@pytest.mark.parametrize("text", ["discriminator", "critic:1", "discriminator:0", "discriminator:99", ""])
def test_what_cannot_be_frozen(text):
    gan = create_model("dcgan", **DCGAN)
    with pytest.raises(ValueError, match=r"can be frozen; found|freeze is such as discriminator:4"):
        transfer.freeze(gan, text)
    assert kerasgan.GAN is type(gan)
