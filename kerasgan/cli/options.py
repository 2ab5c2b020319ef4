"""A command's options: read by absl, shown by `--help` in groups, and what all commands have in common."""

import os
import re
import sys
import textwrap
from typing import Any

from absl import flags

from kerasgan import backends
from kerasgan.errors import suggestion

WIDTH = 110  # of `--help`, in characters


class UsageError(ValueError):
    """The command line is wrong."""


class Options:
    """The options of one command.

    Args:
        command: its name.
        summary: what it does, for `--help`.
        examples: command lines, for `--help`.
    """

    def __init__(self, command: str, summary: str, *examples: str) -> None:
        self.command = command
        self.summary = summary
        self.examples = examples
        self.values = flags.FlagValues()
        self.fields: list[str] = []  # of recipes
        self._groups: list[tuple[str, list[tuple[str, str]]]] = []
        self._notes: list[tuple[str, list[tuple[str, str]]]] = []

    def group(self, title: str) -> None:
        """Begins a group, to which the options that follow belong."""
        self._groups.append((title, []))

    def note(self, title: str, rows: list[tuple[str, str]]) -> None:
        """Adds a table of names and texts behind the options."""
        self._notes.append((title, rows))

    def text(self, name: str, help: str, default: str | None = None) -> None:
        """An option with a text."""
        flags.DEFINE_string(name, default, help, flag_values=self.values)
        self._show(f"--{name}=TEXT", help, default)

    def whole(self, name: str, help: str, default: int | None = None, least: int | None = None) -> None:
        """An option with a whole number."""
        flags.DEFINE_integer(name, default, help, lower_bound=least, flag_values=self.values)
        self._show(f"--{name}=N", help, default)

    def number(self, name: str, help: str, default: float | None = None) -> None:
        """An option with a number."""
        flags.DEFINE_float(name, default, help, flag_values=self.values)
        self._show(f"--{name}=X", help, default)

    def switch(self, name: str, help: str, default: bool | None = False) -> None:
        """An option that is on or off."""
        flags.DEFINE_bool(name, default, help, flag_values=self.values)
        self._show(f"--[no]{name}", help, None)

    def words(self, name: str, help: str) -> None:
        """An option with words between commas."""
        flags.DEFINE_list(name, None, help, flag_values=self.values)
        self._show(f"--{name}=A,B,...", help, None)

    def repeated(self, name: str, help: str) -> None:
        """An option that may be given more than once."""
        flags.DEFINE_multi_string(name, None, help, flag_values=self.values)
        self._show(f"--{name}=TEXT", help, None)

    def field(self, name: str) -> None:
        """An option for a field of some recipe, which `note` tells of, unless there is an option of that name."""
        if name not in self.values:
            flags.DEFINE_string(name, None, "a field of the recipe", flag_values=self.values)
            self.fields.append(name)

    def _show(self, left, help, default):
        if default is not None:
            help += f"; default {default}"
        self._groups[-1][1].append((left, help))

    def parse(self, arguments: list[str]) -> list[str]:
        """Reads the values; returns what is no option.

        Raises:
            UsageError: an unknown option, or a value that is none for it.
        """
        try:
            return self.values(["kerasgan", *arguments])[1:]
        except flags.UnrecognizedFlagError as error:
            known = [f"--{name}" for name in self.values]
            raise UsageError(
                f"unknown option --{error.flagname}.{suggestion(error.flagname, known)} "
                f"`kerasgan {self.command} --help` lists all."
            ) from None
        except flags.Error as error:
            switch = re.match(r"flag --(?:no)?(\w+)=(.*?): .*[Nn]on-boolean", str(error))
            if switch and switch[1] == "resume":
                command = f"kerasgan train --output={switch[2]} --resume"
                raise UsageError(f"--resume takes no value; the run's folder is --output: {command}") from None
            if switch:
                raise UsageError(f"--{switch[1]} takes no value; found {switch[2]!r}.") from None
            raise UsageError(" ".join(str(error).split())) from None

    def help(self) -> str:
        """What `--help` prints."""
        lines = [f"kerasgan {self.command}: {self.summary}", "", *(f"  {example}" for example in self.examples)]
        for title, rows in [*self._groups, *self._notes]:
            lines += ["", f"{title}:"]
            for left, text in rows:
                wrapped = textwrap.wrap(text, WIDTH - 28, break_long_words=False, break_on_hyphens=False) or [""]
                first = f"  {left:24}  " if len(left) <= 24 else f"  {left}\n{'':28}"
                lines += [first + wrapped[0], *(f"{'':28}{line}" for line in wrapped[1:])]
        return "\n".join(lines)


def required(values: flags.FlagValues, *names: str) -> None:
    """Refuses a command line without these options.

    Raises:
        UsageError: the first one that is missing.
    """
    for name in names:
        if values[name].value is None:
            raise UsageError(f"--{name} is missing.")


def define_real(options: Options) -> None:
    """What real samples are, and what generated ones are compared with them by."""
    options.text("dataset", "tensorflow-datasets name, folder:PATH, a .npz file of images, or a toy such as ring")
    define_features(options)


def define_features(options: Options) -> None:
    """What images are compared by."""
    options.text(
        "features",
        "to score by: efficientnet_lite0 (grey or RGB), fashion_mnist_classifier or mnist_classifier (28x28 grey), "
        "inception (RGB) or a .keras file; default their classifier for Fashion-MNIST and MNIST, for RGB Inception "
        "where its weights lie here, else EfficientNet",
    )


def define_preset(options: Options) -> None:
    """Which trained GAN."""
    options.text(
        "preset",
        "a preset's name (see `kerasgan list`), a preset's or run's folder, a .keras file, hf://owner/name[@revision], "
        "kaggle://owner/model/framework/variation[/version], or an https:// archive",
    )
    options.text("sha256", "of the archive, where --preset is an https:// address")


def literal(text: str) -> Any:
    """`"32"` -> 32: a value as Python reads it, where it is one."""
    import ast

    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def import_tensorflow() -> None:
    """TensorFlow greets on stderr before any log level applies; what we have to say should stand alone there.

    Raises:
        BackendError: Keras is set to another backend; with two of them in one process there may be no error but an
            abort.
    """
    backends.check()
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import tensorflow  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
