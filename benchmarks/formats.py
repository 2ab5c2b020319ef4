"""Every preset in every format: how far its images are from the model's, how large the file is, and how fast it draws.

    python benchmarks/formats.py                                # all presets, all formats and precisions
    python benchmarks/formats.py --presets=dcgan_fashion_mnist

Needs the extras `[onnx,litert,openvino]`. Milliseconds are medians of calls, of the file in its own runtime beside the
SavedModel in TensorFlow's C++ loader, a preset's in one process after the other; on a machine that is busy they say
little. Prints the table of docs/formats.md.
"""

import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import app, flags
from tqdm import tqdm

FLAGS = flags.FLAGS
flags.DEFINE_list("presets", None, "their names; default all")
flags.DEFINE_list("formats", None, "their names; default all")


def rows(presets: list[str], names: list[str]) -> list[str]:
    """The table, a line for each file."""
    from kerasgan import formats
    from kerasgan.formats.verification import files_of
    from kerasgan.presets import load

    lines = [
        "| preset | format | MB | largest difference | mean | ms, 1 image | 64 images | SavedModel: ms, 1 and 64 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    kinds = [(formats.FORMATS[name], precision) for name in names for precision in formats.FORMATS[name].precisions]
    bar = tqdm(total=len(presets) * len(kinds), unit="file")
    for preset in presets:
        gan = load(preset)
        for kind, precision in kinds:
            with tempfile.TemporaryDirectory() as folder:
                path = formats.export(
                    gan, pathlib.Path(folder, f"gan{kind.ending}"), kind.name, precision, preset=preset
                )
                report = formats.verify(path)
                size = sum(each.stat().st_size for each in files_of(path)) / 1e6
            if report.error:
                raise SystemExit(f"{preset}, {kind.name}, {precision}: {report.error}")
            own, saved = report.milliseconds[report.runtime], report.milliseconds["SavedModel"]
            cells = (f"`{preset}`", f"{kind.name}, {precision}", f"{size:.1f}", f"{report.largest:.1e}")
            times = (f"{report.mean:.1e}", f"{own[1]:.1f}", f"{own[64]:.0f}", f"{saved[1]:.1f}, {saved[64]:.0f}")
            lines.append("| " + " | ".join((*cells, *times)) + " |")
            bar.update()
            print(lines[-1], file=sys.stderr, flush=True)
    return lines


def main(_: list[str]) -> int:
    import kerasgan
    from kerasgan import formats

    for line in rows(FLAGS.presets or kerasgan.list_presets(), FLAGS.formats or list(formats.FORMATS)):
        print(line)
    return 0


if __name__ == "__main__":
    app.run(main)
