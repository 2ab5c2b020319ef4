"""The `kerasgan` command: reads flags, calls the library, and turns its errors into one line.

Exit status: 0 done, 1 the work failed, 2 the command line was wrong, 3 the training diverged (and would again), 130
interrupted.
"""

import os
import sys
import warnings
from collections.abc import Callable

from kerasgan import __version__
from kerasgan.backends import BackendError
from kerasgan.cli import cache, commands, explore, sharing, train
from kerasgan.cli.options import Options, UsageError
from kerasgan.errors import first_line, suggestion
from kerasgan.messages import say

USAGE = """\
kerasgan trains, samples and exports generative adversarial networks.

  kerasgan list                                                                GAN families, trained presets, your own
  kerasgan train photos                                                        of a folder of pictures, in half an hour
  kerasgan train --model=dcgan --dataset=fashion_mnist --epochs=20 --output=runs/dcgan
  kerasgan train --output=runs/dcgan --resume                                  go on after an interruption
  kerasgan train --model=dcgan --dataset=fashion_mnist --conditional --output=runs/clothes
  kerasgan sample --preset=runs/clothes --labels=Sneaker,Bag --output=classes.png
  kerasgan sample --preset=dcgan_fashion_mnist --n=64 --seed=0 --output=samples.png
  kerasgan sample --preset=dcgan_fashion_mnist --interpolate=3,17,5 --output=walk.gif
  kerasgan explore --preset=dcgan_fashion_mnist                                a page to look around in it
  kerasgan evaluate --preset=runs/dcgan --output=report.json                   scores and pictures
  kerasgan report runs/dcgan                                                   a page: what went well, what to try next
  kerasgan preset --run=runs/dcgan --output=presets/my_dcgan                   the best epoch, with its scores
  kerasgan import --generator=netG.pth --output=presets/faces                   weights that PyTorch trained
  kerasgan push --preset=presets/my_dcgan --to=hf://owner/my_dcgan              where others load it
  kerasgan export --preset=runs/dcgan --output=saved_models/my_dcgan           the next version for TF Serving
  kerasgan verify saved_models/my_dcgan/1                                      the proof that it can be served
  kerasgan cache list                                                          pictures that are kept for the next start
  kerasgan sample --server=http://localhost:8501 --model=my_dcgan --output=samples.png

`kerasgan COMMAND --help` lists a command's options; `kerasgan --version` says which this is.
"""

# Each command's options, and what does the work: it is given their values, the options, and folders.
COMMANDS: dict[str, tuple[Callable[..., int | None], Callable[[], Options]]] = {
    "list": (commands.list_all, commands.define_list),
    "train": (train.run, train.define),
    "sample": (commands.sample, commands.define_sample),
    "evaluate": (commands.evaluate, commands.define_evaluate),
    "preset": (commands.make, commands.define_make),
    "import": (sharing.import_weights, sharing.define_import),
    "push": (sharing.push, sharing.define_push),
    "export": (commands.export, commands.define_export),
    "verify": (commands.verify, commands.define_verify),
    "report": (commands.report, commands.define_report),
    "explore": (explore.run, explore.define),
    "cache": (cache.run, cache.define),
}
# What may stand beside the options, and whether it must.
TAKES = {
    "verify": ("one folder", True),
    "report": ("one folder", True),
    "train": ("one folder", False),
    "cache": ("list or clear", True),
}


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("--help", "-h", "-help", "help"):
        print(USAGE, end="")
        return 0 if argv else 2
    if argv[0] == "--version":
        print(f"kerasgan {__version__}")
        return 0
    # TensorFlow's own start-up messages; set before anything imports it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if not sys.stderr.isatty():  # bars that move are for terminals; in a file they are carriage returns
        os.environ.setdefault("TQDM_DISABLE", "1")
    # Pillow's, which names no file; such a picture is left out, and named.
    warnings.filterwarnings("ignore", "Image size .* exceeds limit")
    warnings.showwarning = lambda message, *_args, **_kwargs: say(f"warning: {message}")
    try:
        command = argv[0]
        if command not in COMMANDS:
            raise UsageError(
                f"unknown command {command!r}; there are {', '.join(COMMANDS)}.{suggestion(command, COMMANDS)}"
            )
        run, define = COMMANDS[command]
        options = define()
        if "--help" in argv[1:] or "-h" in argv[1:]:
            print(options.help())
            return 0
        rest = options.parse(argv[1:])
        if command in TAKES:
            what, needed = TAKES[command]
            if len(rest) > 1 or (needed and not rest):
                raise UsageError(f"{command} takes {what}; found {' '.join(rest) or 'none'}.")
        elif rest:
            raise UsageError(f"{command} takes options only; found {rest[0]!r}.")
        return run(options.values, options, *rest) or 0
    except UsageError as error:
        say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except BrokenPipeError:
        return 1
    except (ValueError, OSError, RuntimeError, BackendError) as error:
        say(f"error: {error}")
        return 1
    except Exception as error:  # TensorFlow's own, such as a full disk while it exports, derive from nothing narrower
        if not type(error).__module__.startswith("tensorflow."):
            raise
        say(f"error: {first_line(error)}")
        return 1
