"""How other libraries' errors are quoted in ours."""

import re


def first_line(error: BaseException | str) -> str:
    """An error's first line, without the `{{node ...}}` that TensorFlow puts before it; of an empty one, its kind."""
    lines = str(error).strip().splitlines()
    return re.sub(r"^(\{\{.*?\}\} )+", "", lines[0]) if lines else type(error).__name__
