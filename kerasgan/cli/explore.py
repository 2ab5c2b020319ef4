"""`kerasgan explore`: a page in the browser to look around in trained GANs."""

import os

from absl import flags

from kerasgan.cli.options import Options, UsageError, import_tensorflow
from kerasgan.messages import say


def define() -> Options:
    """The options of `kerasgan explore`."""
    options = Options(
        "explore",
        "opens a page in the browser: samples, sliders, ways between them, and your own picture found",
        "kerasgan explore --preset=dcgan_fashion_mnist",
        "kerasgan explore --preset=dcgan_fashion_mnist --preset=r3gan_noto_emoji",
        "kerasgan explore --run=runs/dcgan",
        "kerasgan explore --preset=r3gan_noto_emoji --host=0.0.0.0 --password=look",
    )
    options.group("What (each may be given more than once)")
    options.repeated("preset", "a preset's name (see `kerasgan list`), its folder, or a .keras file")
    options.repeated("run", "a run's folder; while it trains, its curves and newest samples are shown too")
    options.group("Where")
    options.text("host", "the address to listen at; 0.0.0.0 lets other machines in", "127.0.0.1")
    options.whole("port", "where to listen; default a free one from 7860 on", least=1)
    options.text(
        "password", "to ask browsers for, with any user's name; default the environment's KERASGAN_PASSWORD, or none"
    )
    options.switch("browser", "open it in this machine's browser, where there is one", True)
    return options


def run(values: flags.FlagValues, options: Options) -> None:
    """Opens the page, until it is interrupted."""
    del options
    whats = [*(values.preset or ()), *(values.run or ())]
    if not whats:
        raise UsageError("--preset or --run is missing.")
    password = os.environ.get("KERASGAN_PASSWORD") if values.password is None else values.password
    import_tensorflow()
    from kerasgan.explore import page

    if values.port is not None and values.port > 65535:
        raise UsageError(f"--port must be at most 65535; found {values.port}.")
    if password is None and values.host not in page.LOOPBACK:
        raise UsageError(
            f"--host={values.host} lets whoever reaches this machine draw, and have pictures looked for. Give "
            "--password=TEXT to ask for one, or --password= to ask for none."
        )
    page.check_extra()
    from kerasgan import presets, runs

    for folder in values.run or ():
        if not runs.holds_run(folder) or presets.is_preset(folder):
            raise UsageError(f"--run={folder} holds no run; a preset is given with --preset.")
    served = page.serve(whats, values.host, values.port, password)
    say(f"{', '.join(whats)} at {served.address} until Ctrl-C")
    if values.browser and not served.show():
        say("no browser was found here; open that address in one")
    served.wait()
