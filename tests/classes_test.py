"""Classes as a user asks for them: by name, by number, one for all or one each."""

import re

import numpy as np
import pytest

from kerasgan.classes import check_labels, from_texts

NAMES = ("Bag", "Ankle boot", "Sneaker")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("Sneaker", [2, 2, 2]),
        (1, [1, 1, 1]),
        (np.int64(1), [1, 1, 1]),
        (["Bag", 2, "Ankle boot"], [0, 2, 1]),
        (("Bag", "Bag", "Sneaker"), [0, 0, 2]),
        (np.int64([2, 0, 1]), [2, 0, 1]),
        (np.array(NAMES), [0, 1, 2]),
        (np.array(2), [2, 2, 2]),
        (range(3), [0, 1, 2]),
    ],
)
def test_names_and_numbers(labels, expected):
    found = check_labels(labels, 3, NAMES)
    assert found.dtype == np.int32
    assert found.tolist() == expected


def test_typed_numbers_are_numbers_unless_a_class_is_called_so():
    assert from_texts(["Bag", "1", 2, "-1"], ("Bag", "Coat", "Hat")) == ["Bag", 1, 2, -1]
    assert from_texts(["1", "0"], ("7", "1", "3")) == ["1", 0]


def test_names_that_are_numbers_of_others():
    """A text is a name, a number a label."""
    assert check_labels(["0", 0], 2, ("1", "0")).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("sneakr", "There is no class 'sneakr'; there are Bag, Ankle boot, Sneaker. Did you mean 'Sneaker'?"),
        (["Bag", "Bag", "Trousers"], "There is no class 'Trousers'; there are Bag, Ankle boot, Sneaker."),
        (3, "A label is a class's name or a whole number from 0 to 2; found 3."),
        (-1, "A label is a class's name or a whole number from 0 to 2; found -1."),
        (1.0, "A label is a class's name or a whole number from 0 to 2; found 1.0."),
        (True, "A label is a class's name or a whole number from 0 to 2; found True."),
        ([0, 1, 3], "A label is a class's name or a whole number from 0 to 2; found 3."),
        ([0, 1], "labels must be one class, or a list of 3; found a list of 2."),
        (np.ones(3), "A label is a class's name or a whole number from 0 to 2; found 1.0."),
        ([], "labels must be one class, or a list of 3; found a list of 0."),
        ([[0, 1, 2]], "labels must be one class, or a list of 3; found a list of 1."),
        ([[0], [1, 2], 1], "A label is a class's name or a whole number from 0 to 2; found [0]."),
    ],
)
def test_mistakes(labels, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_labels(labels, 3, NAMES)


def test_many_classes_are_not_all_listed():
    with pytest.raises(ValueError, match=r"there are 0, 1, .*, 11, \.\.\.\. Did you mean '99'\?"):
        check_labels("999", 1, tuple(map(str, range(100))))


def test_texts_of_tensorflow():
    assert check_labels(np.array([NAMES[1].encode()] * 2), 2, NAMES).tolist() == [1, 1]
    assert check_labels(NAMES[1].encode(), 2, NAMES).tolist() == [1, 1]
