"""The formats of one file, what each needs installed, and how its files are named."""

import dataclasses
import importlib
import os
import pathlib
from types import ModuleType

from kerasgan.errors import suggestion

SERVABLE = "tf_saved_model"  # a folder: `kerasgan.serving`


@dataclasses.dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes:
        name: as `GAN.export` and `kerasgan export` take it, and the name of kerasgan's extra.
        ending: of its files.
        runtime: the module that runs them.
        writers: the modules that write them.
        precisions: of the numbers in a file; the first is the default.
    """

    name: str
    ending: str
    runtime: str
    writers: tuple[str, ...]
    precisions: tuple[str, ...] = ("float32", "float16")

    @property
    def module(self) -> ModuleType:
        """How it is written and run."""
        return importlib.import_module(f"kerasgan.formats.{self.name}_file")

    def check_precision(self, precision: str | None) -> str:
        """The precision, or the default for None.

        Raises:
            ValueError: the format's files have no such numbers.
        """
        if precision is None:
            return self.precisions[0]
        if precision not in self.precisions:
            raise ValueError(
                f"precision must be one of {', '.join(self.precisions)} for {self.name}; found {precision!r}."
                f"{suggestion(str(precision), self.precisions)}"
            )
        return precision

    def check_extra(self, *modules: str) -> None:
        """Refuses to go on where a module is not installed.

        Raises:
            ValueError: the line that installs it.
        """
        for name in modules:
            try:
                importlib.import_module(name)
            except ImportError as error:
                raise ValueError(
                    f"The format {self.name} needs {name} ({error}): pip install 'kerasgan[{self.name}]'."
                ) from None


FORMATS = {
    each.name: each
    for each in (
        Format("onnx", ".onnx", "onnxruntime", ("onnx", "tf2onnx", "onnxruntime")),  # the last for float16
        Format("litert", ".tflite", "ai_edge_litert", ("ai_edge_litert",), ("float32", "float16", "int8")),
        Format("openvino", ".xml", "openvino", ("openvino", "onnx", "tf2onnx")),
    )
}


def by_name(name: str) -> Format:
    """The format of a name.

    Raises:
        ValueError: there is none; it lists those that there are.
    """
    if name not in FORMATS:
        known = [SERVABLE, *FORMATS]
        raise ValueError(f"format must be one of {', '.join(known)}; found {name!r}.{suggestion(str(name), known)}")
    return FORMATS[name]


def by_path(path: str | os.PathLike) -> Format | None:
    """The format whose files end as this one does."""
    ending = pathlib.Path(path).suffix.lower()
    return next((each for each in FORMATS.values() if each.ending == ending), None)
