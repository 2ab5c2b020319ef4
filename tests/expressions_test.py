"""What a recipe says in one string is read, and never run."""

import pytest

from kerasgan.expressions import Call, read_calls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ", []),
        ("color", [Call("color")]),
        ("color()", [Call("color")]),
        ("color,", [Call("color")]),
        ("r1(5, every=16), r2(.5)", [Call("r1", (5,), {"every": 16}), Call("r2", (0.5,))]),
        ("f(-1, +2.5e3, 'text', name, None, True)", [Call("f", (-1, 2500.0, "text", "name", None, True))]),
        ("f((1, 2), k=[3])", [Call("f", ((1, 2),), {"k": [3]})]),
        ("f(g(1, h()), k=g(x))", [Call("f", (Call("g", (1, Call("h"))),), {"k": Call("g", ("x",))})]),
        ("(a, b(1))", [Call("a"), Call("b", (1,))]),
    ],
)
def test_reading(text, expected):
    assert read_calls(text, "things") == expected


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "'color'",
        "a b",
        "a,,b",
        "a(",
        "a.b",
        "a.b(1)",
        "a(1)(2)",
        "a(b(1)(2))",
        "a(b.c(1))",
        "a([b(1)])",
        "a(1 + x)",
        "a(*b)",
        "a(**b)",
        "a(k=1, k=2)",
        "a(lambda: 1)",
        "a({[]: 1})",
        "a=1",
        "[a]",
        "a; b",
        "\0",
        "__import__('os').system('true')",
    ],
)
def test_what_is_none_of_it(text):
    with pytest.raises(ValueError, match=r"^things are names between commas, such as 'r1\(5, every=16\)'; found ['\"]"):
        read_calls(text, "things")


def test_a_call_says_itself():
    for text in ("r1(cosine(1, 0.1, 100), every=16)", "color()", "f('a b', None, k=g(2))"):
        assert repr(read_calls(text, "things")[0]) == text
