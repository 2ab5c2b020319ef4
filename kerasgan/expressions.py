"""What a recipe says in one string: names with arguments, such as `r1(5, every=16), r2(5)` or `color, translation`.

Calls nest: an argument may be one, such as the schedule in `r1(cosine(1, 0.1, 10000))`.
"""

import ast
import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Call:
    """A name, and what stands in the brackets behind it. Bare names among the arguments are strings; names with
    brackets are calls again.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        given = [*map(repr, self.arguments), *(f"{name}={value!r}" for name, value in self.options.items())]
        return f"{self.name}({', '.join(given)})"


def read_calls(text: str, what: str, example: str = "r1(5, every=16)") -> list[Call]:
    """The names in a text, with their arguments.

    Args:
        text: names, each with or without arguments in brackets, between commas. Numbers, texts, names
            and names with arguments again are arguments; nothing is computed.
        what: for messages, such as "penalties".
        example: for messages, such as "r1(5, every=16)".

    Raises:
        ValueError: the text is nothing of that kind.
    """
    try:
        tree = ast.parse(text.strip() or "()", mode="eval").body
        return [_call(part) for part in (tree.elts if isinstance(tree, ast.Tuple) else [tree])]
    except (SyntaxError, ValueError, TypeError):
        raise ValueError(f"{what} are names between commas, such as {example!r}; found {text!r}.") from None


def _call(node: ast.expr) -> Call:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        options = {keyword.arg: _value(keyword.value) for keyword in node.keywords if keyword.arg is not None}
        if len(options) < len(node.keywords):
            raise ValueError("an option twice, or **options")
        return Call(node.func.id, tuple(map(_value, node.args)), options)
    if isinstance(node, ast.Name):
        return Call(node.id)
    raise ValueError("no name")


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        return _call(node)
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)
