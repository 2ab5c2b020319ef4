"""What `fit` logged, line by line, over interruptions and several calls."""

import numpy as np
import pytest
from conftest import small_gan, small_images
from fits import fit

from kerasgan import callbacks


def test_history_table_goes_on_from_a_resumed_epoch(tmp_path):
    gan = small_gan()
    path = tmp_path / "history.csv"
    first = fit(gan, callbacks.HistoryTable(path), epochs=3).history
    table = callbacks.read_history(path)
    assert table["epoch"] == [1, 2, 3]
    assert table["step"] == [4, 8, 12]
    np.testing.assert_allclose(table["d_loss"], first["d_loss"])
    gan.step.assign(4)  # as in a checkpoint of the first epoch
    fit(gan, callbacks.HistoryTable(path), epochs=4, initial_epoch=1)
    again = callbacks.read_history(path)
    assert again["epoch"] == [1, 2, 3, 4]
    assert again["step"] == [4, 8, 12, 16]
    assert again["d_loss"][0] == table["d_loss"][0]
    assert again["d_loss"][1] != table["d_loss"][1]
    assert callbacks.read_history(tmp_path / "none.csv") == {}


def test_a_second_fit_goes_on_with_the_table(tmp_path):
    gan, path = small_gan(), tmp_path / "history.csv"
    table = callbacks.HistoryTable(path)
    first = fit(gan, table, epochs=2).history["d_loss"]
    second = fit(gan, table, epochs=3).history["d_loss"]
    third = fit(gan, callbacks.HistoryTable(path), epochs=1).history["d_loss"]
    read = callbacks.read_history(path)
    assert read["epoch"] == [1, 2, 3, 4, 5, 6]
    assert read["step"] == [4, 8, 12, 16, 20, 24]
    np.testing.assert_allclose(read["d_loss"], [*first, *second, *third], rtol=1e-6)


def test_the_end_of_an_epoch_that_was_cut(tmp_path):
    """Two steps into epoch 2, as after Ctrl-C: its number is 2 whether `fit` begins with it or went through all."""
    gan, path = small_gan(), tmp_path / "history.csv"
    fit(gan, callbacks.HistoryTable(path), epochs=1)
    gan.step.assign(6)
    gan.fit(
        small_images(16),
        batch_size=8,
        epochs=2,
        initial_epoch=1,
        verbose=0,
        callbacks=[callbacks.HistoryTable(path)],
    )
    assert callbacks.read_history(path)["epoch"] == [1, 2]
    assert callbacks.read_history(path)["step"] == [4, 8]


def test_columns_stay_aligned_where_not_every_epoch_has_all(tmp_path):
    gan, path = small_gan(), tmp_path / "history.csv"
    options = {"validation_data": (small_images(8),), "validation_freq": 2, "validation_batch_size": 8}
    history = fit(gan, callbacks.HistoryTable(path), epochs=5, **options).history
    table = callbacks.read_history(path)
    assert table["epoch"] == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(table["d_loss"], history["d_loss"], rtol=1e-6)
    held_out = [np.nan, history["val_d_loss"][0], np.nan, history["val_d_loss"][1], np.nan]
    np.testing.assert_allclose(table["val_d_loss"], held_out, rtol=1e-6)


def test_tables_of_two_trainings_never_meet(tmp_path):
    path = tmp_path / "history.csv"
    fit(small_gan(), callbacks.HistoryTable(path), epochs=2)
    before, second = path.read_bytes(), small_gan(seed=1)
    with pytest.raises(
        ValueError, match=r"history.csv holds 2 epochs of another training, and this one begins at step 0"
    ):
        fit(second, callbacks.HistoryTable(path))
    assert int(second.step) == 0
    assert path.read_bytes() == before
