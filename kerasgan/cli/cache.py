"""`kerasgan cache`: the pictures that were decoded once and are kept."""

import datetime

from absl import flags

from kerasgan.cli.options import Options, UsageError, import_tensorflow
from kerasgan.messages import say

VERBS = ("list", "clear")


def define() -> Options:
    """The options of `kerasgan cache`."""
    options = Options(
        "cache",
        "lists or clears the pictures that `kerasgan train --cache=...` keeps for the next start",
        "kerasgan cache list",
        "kerasgan cache clear --older=30",
    )
    options.group("Besides list or clear")
    options.text("cache", "the folder; default ~/.cache/kerasgan/data, or data in $KERASGAN_CACHE")
    options.number("older", "clear those alone that have not been used for so many days")
    return options


def run(values: flags.FlagValues, options: Options, verb: str) -> None:
    """Lists or clears a cache."""
    del options
    if verb not in VERBS:
        raise UsageError(f"cache takes {' or '.join(VERBS)}; found {verb!r}.")
    if values.older is not None and (verb == "list" or values.older < 0):
        raise UsageError("--older is for clear, and days from 0 on.")
    import_tensorflow()
    from kerasgan.data import cache

    folder = cache.default_folder() if values.cache is None else values.cache
    if verb == "clear":
        count, freed = cache.clear(folder, values.older or 0.0)
        say(f"removed {count} from {folder}, which took {freed / 1e9:.2g} GB")
        return
    found = cache.entries(folder)
    if not found:
        say(f"{folder} holds nothing")
    for entry in found:
        if isinstance(entry, cache.DamagedError):
            print(f"damaged: {entry}; it is made anew when it is asked for")
            continue
        shape = "x".join(map(str, entry.rows.shape[1:]))
        day = datetime.datetime.fromtimestamp(entry.last_used).strftime("%Y-%m-%d")
        size = f"{entry.bytes / 1e9:.2g} GB"
        print(f"{size:>8}  {len(entry.rows):>9,} of {shape}  used {day}  {entry.name}, {entry.split}", flush=True)
