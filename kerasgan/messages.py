"""What the library has to say while it works."""

import sys


def say(text: str) -> None:
    """A line on stderr, at once, which says whose it is."""
    print(f"kerasgan: {text}", file=sys.stderr, flush=True)
