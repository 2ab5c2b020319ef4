"""Pictures of samples: when they are drawn, what of, and whose a folder is."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import quarters_gan, small_gan, small_images
from fits import fit
from PIL import Image

import kerasgan
from kerasgan import callbacks


def test_sample_grid_per_epoch(tmp_path):
    gan = small_gan()
    fit(gan, callbacks.SampleGrid(tmp_path, n=9, seed=3, every="epoch"))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "samples.gif",
        "step-00000000.png",
        "step-00000004.png",
        "step-00000008.png",
    ]
    with Image.open(tmp_path / "step-00000008.png") as picture:
        assert picture.size == (3 * 8 + 4, 3 * 8 + 4)
        drawn = np.asarray(picture)[10:18, 10:18] / 255  # image 4, the middle one
    np.testing.assert_allclose(drawn, gan.generate(1, seed=7)[0, ..., 0], atol=0.6 / 255)
    with Image.open(tmp_path / "samples.gif") as gif:
        assert gif.n_frames == 3


@pytest.mark.parametrize(("n", "each"), [(None, 8), (12, 3), (2, 1)])
def test_sample_grid_of_a_conditional_model_has_a_row_for_each_class(tmp_path, n, each):
    gan = quarters_gan()
    grid = callbacks.SampleGrid(tmp_path, n=n, seed=3, every="epoch")
    gan.fit(small_images(16), np.arange(16) % 4, batch_size=8, verbose=0, callbacks=[grid])
    assert names_in(tmp_path) == ["step-00000000.png", "step-00000002.png"]
    with Image.open(tmp_path / "step-00000002.png") as picture:
        drawn = np.asarray(picture)
    np.testing.assert_array_equal(drawn, kerasgan.plots.by_class(gan, each=each, seed=3)[..., 0])
    bags = kerasgan.plots.grid(gan.generate(each, 3, labels=1), columns=each).repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(drawn[20:36, -bags.shape[1] :], bags[..., 0])


def test_sample_grid_of_many_classes_shows_the_first(tmp_path):
    gan = kerasgan.create_model("vanilla_gan", classes=20, generator_units=4, discriminator_units=2)
    grid = callbacks.SampleGrid(tmp_path)
    grid.set_model(gan)
    grid.on_train_begin()
    with Image.open(tmp_path / "step-00000000.png") as picture:
        assert picture.height == 16 * 30 - 2


def test_sample_grid_every_n_steps_and_for_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    fit(small_gan(), callbacks.SampleGrid(tmp_path / "png", n=4, every=3, log_dir=tmp_path / "log"))
    assert [p.name for p in sorted((tmp_path / "png").glob("*.png"))] == [f"step-{n:08d}.png" for n in (0, 3, 6, 8)]
    (log,) = (tmp_path / "log").iterdir()
    events = [e for e in tf.compat.v1.train.summary_iterator(str(log)) if e.summary.value]
    assert [e.step for e in events] == [0, 3, 6, 8]
    assert events[0].summary.value[0].tag == "samples"


def test_sample_grid_draws_points(tmp_path):
    gan = kerasgan.create_model("vanilla_gan", image_shape=(2,), generator_units=4, discriminator_units=2)
    real = kerasgan.toys.ring().sample(20)
    gan.fit(real, batch_size=10, verbose=0, callbacks=[callbacks.SampleGrid(tmp_path, real=real)])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["samples.gif", "step-00000000.png", "step-00000002.png"]
    gan = kerasgan.create_model("vanilla_gan", image_shape=(5,), generator_units=4, discriminator_units=2)
    with pytest.raises(ValueError, match=r"SampleGrid draws images, and points .*; this model's have \(5,\)"):
        gan.fit(np.zeros((10, 5), np.float32), verbose=0, callbacks=[callbacks.SampleGrid(tmp_path)])


@pytest.mark.parametrize("every", [0, -1, 2.5, "batch", True])
def test_frequencies_are_checked(every, tmp_path):
    for kind in (callbacks.SampleGrid, callbacks.TrainingCheckpoint):
        with pytest.raises(ValueError, match="every must be 'epoch' or a number of steps"):
            kind(tmp_path, every=every)


def names_in(folder):
    return sorted(path.name for path in folder.glob("*.png"))


def test_short_epochs_are_not_all_drawn(tmp_path, monkeypatch):
    """The first, the last, and between them as many as a twentieth of the time allows: a picture takes a second here,
    an epoch ten, so that there is one every twenty seconds.
    """
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    gan, generate = small_gan(), kerasgan.GAN.generate

    def slow(gan, *args, **kwargs):
        now[0] += 1.0
        return generate(gan, *args, **kwargs)

    monkeypatch.setattr(kerasgan.GAN, "generate", slow)

    def epoch_of(seconds):
        return keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: now.__setitem__(0, now[0] + seconds))

    fit(gan, epoch_of(10.0), callbacks.SampleGrid(tmp_path, n=4), epochs=6)
    assert names_in(tmp_path) == [f"step-{step:08d}.png" for step in (0, 4, 12, 20, 24)]
    fit(small_gan(), epoch_of(20.0), callbacks.SampleGrid(tmp_path / "long", n=4), epochs=3)
    assert names_in(tmp_path / "long") == [f"step-{step:08d}.png" for step in (0, 4, 8, 12)]
    fit(small_gan(), epoch_of(0.0), callbacks.SampleGrid(tmp_path / "every", n=4, every="epoch"), epochs=3)
    assert names_in(tmp_path / "every") == [f"step-{step:08d}.png" for step in (0, 4, 8, 12)]


def test_pictures_of_two_trainings_never_meet(tmp_path):
    gan = small_gan()
    fit(gan, callbacks.SampleGrid(tmp_path, every="epoch"), epochs=3)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    second = small_gan(seed=1)
    with pytest.raises(ValueError, match=r"holds step-00000012.png of another training, and this one begins at step 0"):
        fit(second, callbacks.SampleGrid(tmp_path))
    assert int(second.step) == 0
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before

    again = small_gan()
    again.step.assign(4)  # resumed after its first epoch: what was drawn of steps 8 and 12 is not its past
    fit(again, callbacks.SampleGrid(tmp_path, every="epoch"), epochs=1)
    with Image.open(tmp_path / "samples.gif") as gif:
        assert gif.n_frames == 3


def test_a_training_that_never_began_leaves_its_folder_free(tmp_path):
    with Image.new("L", (2, 2)) as picture:
        picture.save(tmp_path / "step-00000000.png")
    fit(small_gan(), callbacks.SampleGrid(tmp_path), epochs=1)
    assert names_in(tmp_path) == ["step-00000000.png", "step-00000004.png"]
