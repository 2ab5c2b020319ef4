"""How samples are drawn: by graphs that are made once, into the one array that is handed out."""

import tracemalloc

import numpy as np
from conftest import coded_gan, small_gan, small_images


def test_the_samples_are_held_once():
    gan = small_gan()
    gan.generate(1)
    tracemalloc.start()
    samples = gan.generate(20_000, batch_size=500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.3 * samples.nbytes


def test_a_graph_is_made_once_and_follows_the_weights():
    gan = small_gan()
    calls = []
    call = gan.generator.call
    gan.generator.call = lambda *args, **kwargs: calls.append(1) or call(*args, **kwargs)
    before = gan.generate(3)
    gan.generate(5, seed=7)
    assert len(calls) == 1
    del gan.generator.call
    gan.fit(small_images(), batch_size=8, verbose=0)
    after = gan.generate(3)
    assert not np.array_equal(before, after)
    by_hand = (gan.generator(gan.latent.from_seeds([0, 1, 2]), training=False).numpy() + 1) / 2
    np.testing.assert_allclose(after, by_hand, atol=1e-6)


def test_codes_and_seeds_draw_from_the_same_noise():
    gan = coded_gan()
    seeds = gan.generate(4, seed=3)
    z = gan.latent.from_seeds(np.arange(3, 7)).numpy()
    np.testing.assert_array_equal(seeds, z)  # its generator gives z as it is
    np.testing.assert_array_equal(gan.generate(4, seed=3, codes={"categorical": z[:, 2:5].argmax(1)}), z)
