"""Batches of samples: shapes, ranges, order, and when an epoch counts."""

import collections
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import small_gan

from kerasgan import data
from kerasgan.data import pipeline


def batches(*args, **options):
    return [batch.numpy() for batch in data.load(*args, **options)]


def marked(n):
    """n images of 4x4 whose every pixel is their number."""
    return np.repeat(np.arange(n, dtype=np.uint8), 16).reshape(n, 4, 4, 1)


def order(*args, **options):
    """The numbers of `marked` images in the order in which they come."""
    return [round(image[0, 0, 0] * 255) for b in batches(*args, value_range=(0, 1), **options) for image in b]


def test_values_and_shapes():
    images = np.array([0, 51, 255], np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)
    (batch,) = batches(images, batch_size=3, shuffle=False)
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch[:, 0, 0, 0], [-1.0, -0.6, 1.0], atol=1e-6)
    (batch,) = batches(images, batch_size=3, shuffle=False, value_range=(0, 1), image_shape=(8, 8, 3))
    assert batch.shape == (3, 8, 8, 3)
    np.testing.assert_allclose(batch[:, 5, 2, 1], [0.0, 0.2, 1.0], atol=1e-6)
    (batch,) = batches(images / np.float32(255), batch_size=3, shuffle=False)
    np.testing.assert_allclose(batch[:, 0, 0, 0], [-1.0, -0.6, 1.0], atol=1e-6)
    assert data.load(images, batch_size=2).element_spec.shape == (2, 4, 4, 1)
    assert len(data.load(images, batch_size=2)) == 1


def test_no_tuner_sleeps_through_the_end_of_a_pass():
    shuffled = data.load(marked(8), batch_size=4)
    for dataset in (shuffled, data.load(marked(8), batch_size=4, shuffle=False), shuffled.take(1)):
        assert dataset.options().autotune.enabled is False


def test_like_a_model():
    (batch,) = batches(marked(8), batch_size=8, like=small_gan())
    assert batch.shape == (8, 8, 8, 1)
    assert batch.min() == -1


def test_the_order_is_a_function_of_seed_and_epoch():
    dataset = data.load(marked(20), batch_size=4, seed=1, value_range=(0, 1))
    passes = [[round(x * 255) for b in dataset for x in b.numpy()[:, 0, 0, 0]] for _ in range(3)]
    assert all(sorted(one) == list(range(20)) for one in passes)
    assert passes[0] != passes[1] != passes[2] != passes[0]
    assert order(marked(20), batch_size=4, seed=1) == passes[0]
    assert order(marked(20), batch_size=4, seed=2) != passes[0]
    # A resumed training goes on in the middle of epoch 1: 5 batches of epoch 0 and 2 of epoch 1 are behind it.
    resumed = data.load(marked(20), batch_size=4, seed=1, value_range=(0, 1), start_step=7)
    again = [[round(x * 255) for b in resumed for x in b.numpy()[:, 0, 0, 0]] for _ in range(2)]
    assert again == [passes[1][8:], passes[2]]


def test_the_last_batch():
    images = marked(10)
    assert [len(b) for b in batches(images, batch_size=4)] == [4, 4]
    assert [len(b) for b in batches(images, batch_size=4, drop_remainder=False)] == [4, 4, 2]
    assert [len(b) for b in batches(images, batch_size=4, shuffle=False)] == [4, 4, 2]
    assert order(images, batch_size=4, shuffle=False) == list(range(10))


@pytest.mark.parametrize(
    ("split", "expected"),
    [("train[:10%]", [0, 1]), ("train[15:]", [15, 16, 17, 18, 19]), ("train[50%:60%]", [10, 11]), ("all[-1:]", [19])],
)
def test_slices_of_an_array(split, expected):
    assert order(marked(20), split, batch_size=1, shuffle=False) == expected


def test_a_batch_must_divide_by_k():
    gan = small_gan()
    gan.compile(d_steps=3)
    with pytest.raises(ValueError, match=r"batch_size=4 must divide into d_steps=3 minibatches"):
        data.load(marked(9), batch_size=4, like=gan)


# -- when an epoch counts ----------------------------------------------------------------------------------------------


def numbers_of(dataset):
    """What one pass over a dataset of `marked` images gives, one number per image."""
    return [round(x * 255) for batch in dataset for x in batch.numpy()[:, 0, 0, 0]]


def epoch_order(epoch, n=20, seed=0):
    """The rows of an epoch as they are promised: a permutation by (seed, epoch)."""
    return tf.random.experimental.stateless_shuffle(
        tf.range(n, dtype=tf.int64), tf.constant([seed, epoch], tf.int64), alg="philox"
    ).numpy()


@pytest.mark.parametrize("start", [0, 2, 3])
@pytest.mark.parametrize(("workers", "replicas"), [(1, 1), (2, 2), (3, 3), (1, 2), (3, 6)])
def test_workers_read_their_own_parts_of_the_same_batches(start, workers, replicas):
    options = {"batch_size": 6, "value_range": (0, 255), "shuffle": True, "labels": np.arange(23)}
    of_all = data.load(marked(23), **options)
    whole = [batch[1].numpy() for _ in range(3) for batch in of_all][start:]
    steps, each = len(whole), replicas // workers

    class Recorder:  # stands for a strategy of that many workers, of which this process can be but one
        def distribute_datasets_from_function(self, make):
            contexts = [tf.distribute.InputContext(workers, worker, replicas) for worker in range(workers)]
            return [make(context) for context in contexts]

    parts = data.for_workers(data.load(marked(23), **options, start_step=start), Recorder())
    found = [[labels.numpy() for _, labels in part.take(steps * each)] for part in parts]
    for step, expected in enumerate(whole):
        pieces = [found[worker][step * each + k] for worker in range(workers) for k in range(each)]
        assert {len(piece) for piece in pieces} == {6 // replicas}
        np.testing.assert_array_equal(np.concatenate(pieces), expected)


def test_a_worker_reads_nobody_elses_rows():
    """What it gathers, and not only what it hands on."""
    read = []

    class Samples:
        shape, dtype, ndim = (12, 4, 4, 1), np.dtype(np.uint8), 4

        def __len__(self):
            return 12

        def __getitem__(self, rows):
            read.append(tuple(rows.tolist()))
            return marked(12)[rows]

    epochs, first = 50, []
    for worker in range(2):
        context = tf.distribute.InputContext(2, worker, 2)
        read.clear()
        parts = pipeline.parts_of(Samples(), None, 4, 1.0, 0.0, 0, 0, context).take(3 * epochs)
        handed = [tuple(part[:, 0, 0, 0].astype(int).tolist()) for part in parts.as_numpy_iterator()]
        first += [row for part in handed[:3] for row in part]
        assert collections.Counter(handed) <= collections.Counter(read)
        assert len(read) < 1.5 * len(handed)  # it is ahead by some parts, in no order
    assert sorted(first) == list(range(12))


def test_what_workers_cannot_share():
    with pytest.raises(ValueError, match=r"for_workers takes a shuffled dataset of kerasgan.data.load"):
        data.for_workers(data.load(marked(8), batch_size=4, shuffle=False), tf.distribute.get_strategy())
    with pytest.raises(ValueError, match=r"batch_size=4 must divide among 3 devices"):
        pipeline.parts_of(marked(8), None, 4, 1.0, 0.0, 0, 0, tf.distribute.InputContext(3, 0, 3))


def test_looking_at_a_batch_changes_nothing():
    dataset = data.load(marked(20), batch_size=4, value_range=(0, 1))
    for _ in range(3):
        first = next(iter(dataset)).numpy()[:, 0, 0, 0]
        assert [round(x * 255) for x in first] == list(epoch_order(0)[:4])
    assert numbers_of(dataset.take(1)) == list(epoch_order(0)[:4])
    kept = iter(dataset)  # left in the midst of a pass, and not thrown away
    next(kept)
    time.sleep(0.2)  # for whatever fetches ahead
    assert [numbers_of(dataset) for _ in range(2)] == [list(epoch_order(0)), list(epoch_order(1))]
    next(kept)  # of an epoch that has counted already
    assert numbers_of(dataset.take(2)) == list(epoch_order(2)[:8])
    assert numbers_of(dataset.take(2)) == list(epoch_order(3)[:8])  # a pass that is left early is over all the same
    resumed = data.load(marked(20), batch_size=4, value_range=(0, 1), start_step=7)
    next(iter(resumed))
    assert [numbers_of(resumed) for _ in range(2)] == [list(epoch_order(1)[8:]), list(epoch_order(2))]
    last = data.load(marked(20), batch_size=4, value_range=(0, 1), start_step=4)
    assert [numbers_of(last) for _ in range(2)] == [list(epoch_order(0)[16:]), list(epoch_order(1))]
    repeated = iter(data.load(marked(20), batch_size=4, value_range=(0, 1)).repeat())
    seen = [round(x * 255) for _ in range(15) for x in next(repeated).numpy()[:, 0, 0, 0]]
    assert seen == [row for epoch in range(3) for row in epoch_order(epoch)]


@pytest.mark.parametrize("steps_per_execution", [1, 2, 5])
def test_fit_sees_each_epoch_in_its_order(steps_per_execution):
    """Through Keras's own loop, which makes more iterators than it uses, with validation and a look in between."""
    seen = []

    class Watched(type(small_gan())):
        def train_step(self, batch):
            rows = tf.cast(tf.round((batch[:, 0, 0, 0] + 1) * 127.5), tf.int64)
            tf.numpy_function(lambda found: seen.extend(found.tolist()), [rows], [])
            return super().train_step(batch)

    plain = small_gan()
    gan = Watched(plain.generator, plain.discriminator, plain.latent)
    gan.compile(steps_per_execution=steps_per_execution)
    images = np.repeat(np.arange(20, dtype=np.uint8), 64).reshape(20, 8, 8, 1)
    dataset = data.load(images, batch_size=4, like=gan)
    next(iter(dataset))
    gan.fit(dataset, epochs=2, verbose=0, validation_data=data.load(images, "all", batch_size=4, like=gan))
    next(iter(dataset))
    gan.fit(dataset, epochs=2, verbose=0)
    left = data.load(images, batch_size=4, like=gan, start_step=22).take(3)  # as a run goes on in the midst of an epoch
    gan.fit(left.apply(tf.data.experimental.assert_cardinality(3)), verbose=0)
    expected = [row for epoch in range(4) for row in epoch_order(epoch)]
    assert seen == [*expected, *epoch_order(4)[8:]]


def test_all_is_what_evaluate_takes():
    """Every sample, in its order, so that what is computed of it is the same each time."""
    gan = small_gan()
    images = np.random.default_rng(0).integers(0, 256, (21, 8, 8, 1), dtype=np.uint8)
    dataset = data.load(images, "all", batch_size=8, like=gan)
    for _ in range(2):
        whole = np.concatenate([batch.numpy() for batch in dataset])
        np.testing.assert_allclose(whole, images / 127.5 - 1, atol=1e-6)
    assert gan.evaluate(dataset, verbose=0) == gan.evaluate(dataset, verbose=0)


def test_what_is_evaluated_of_a_shuffled_dataset():
    """All of it in its order, and training is none the wiser; what was asked for stays."""
    gan = small_gan()
    images = np.random.default_rng(0).integers(0, 256, (21, 8, 8, 1), dtype=np.uint8)
    dataset = data.load(images, batch_size=8, like=gan, start_step=1)
    first, second = (data.in_order(dataset) for _ in range(2))
    whole = np.concatenate([batch.numpy() for batch in first])
    np.testing.assert_allclose(whole, images / 127.5 - 1, atol=1e-6)
    expected = gan.evaluate(data.load(images, "all", batch_size=8, like=gan), verbose=0)
    assert gan.evaluate(first, verbose=0) == gan.evaluate(second, verbose=0) == expected
    rest = np.concatenate([batch.numpy() for batch in dataset])
    np.testing.assert_allclose(rest, images[epoch_order(0, 21)[8:16]] / 127.5 - 1, atol=1e-6)
    cut = data.in_order(data.load(images, batch_size=8, like=gan, drop_remainder=True))
    assert [len(batch) for batch in cut] == [8, 8]
    plain = data.load(images, "all", batch_size=8, like=gan)
    for other in (plain, dataset.take(1), images, None, (images, images)):
        assert data.in_order(other) is other


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": None}, r"split must be a name or slice such as 'train' or 'train\[:10%\]'; found None"),
        ({"split": 0.5}, "split must be a name or slice .*; found 0.5"),
        ({"start_step": -1}, "start_step must be a whole number, at least 0; found -1"),
        ({"seed": None}, "seed must be a whole number; found None"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        data.load(marked(4), **{"batch_size": 1, **options})


def test_an_array_is_called_what_it_came_from():
    expected = r"^ring in split 'train\[:2\]' has 2 samples, fewer than one batch of 5\."
    with pytest.raises(ValueError, match=expected):
        data.load(marked(2), batch_size=5, called="ring in split 'train[:2]'")
