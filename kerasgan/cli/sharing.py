"""`kerasgan push` and `kerasgan import`: a trained GAN goes out, and weights from elsewhere come in."""

from absl import flags

from kerasgan import hubs
from kerasgan.cli.options import Options, UsageError, import_tensorflow, required
from kerasgan.files import check_writable
from kerasgan.messages import say


def define_push() -> Options:
    """The options of `kerasgan push`."""
    options = Options(
        "push",
        "puts a preset on a hub, where others load it by its handle",
        "kerasgan push --preset=presets/my_dcgan --to=hf://owner/my_dcgan --licence=Apache-2.0",
        "kerasgan push --preset=presets/my_dcgan --to=kaggle://owner/my_dcgan/keras/28_pixels --onnx",
    )
    options.group("Needed")
    options.text("preset", "a preset's name (see `kerasgan list`) or folder; `kerasgan preset` makes one of a run")
    options.text("to", "hf://owner/name, or kaggle://owner/model/framework/variation")
    options.group("Besides")
    options.text("licence", "of the weights, such as Apache-2.0; default what the preset's card says")
    options.switch("onnx", "send an ONNX file along")
    options.switch("private", "make a repository that its owner alone sees; at Kaggle every new one is")
    options.switch("overwrite", "where there is one that is not empty, make a new revision of it")
    options.text("message", "what the revision's history says; default who pushed what")
    return options


def push(values: flags.FlagValues, options: Options) -> None:
    """Puts a preset on a hub."""
    del options
    required(values, "preset", "to")
    try:
        hubs.destination(values.to)
    except ValueError as error:
        raise UsageError(f"--to: {error}") from None
    import_tensorflow()
    from kerasgan import sharing

    handle = sharing.push(
        values.preset,
        values.to,
        licence=values.licence,
        onnx=values.onnx,
        private=values.private,
        overwrite=values.overwrite,
        message=values.message,
    )
    say(f"pushed; others load it by --preset={handle}")


def define_import() -> Options:
    """The options of `kerasgan import`."""
    options = Options(
        "import",
        "makes a preset of weights that were trained in PyTorch: by its DCGAN example, or R3GAN's reference code",
        "kerasgan import --generator=netG_epoch_24.pth --output=presets/faces",
        "kerasgan import --generator=G_ema.safetensors --discriminator=D.safetensors --output=presets/faces",
    )
    options.group("Needed")
    options.text("generator", "the file of its state_dict(): .safetensors, or what torch.save wrote (.pt, .pth)")
    options.text("output", "the preset's folder; its name is the preset's")
    options.group("Besides")
    options.text("discriminator", "the same of the discriminator; a new one begins without")
    options.words("classes", "of a conditional one, the names of its classes")
    options.text("licence", "what the model card says of it")
    return options


def import_weights(values: flags.FlagValues, options: Options) -> None:
    """Makes a preset of PyTorch's weights."""
    del options
    required(values, "generator", "output")
    check_writable(values.output)
    import_tensorflow()
    from kerasgan import interchange, presets

    if presets.is_preset(values.output):
        raise ValueError(f"{values.output} is a preset already; give another --output.")
    gan = interchange.read(values.generator, values.discriminator, values.classes)
    presets.save(gan, values.output, interchange.origin(values.generator, values.discriminator, values.licence))
    say(f"wrote {values.output}, a {gan.name}; try it: kerasgan sample --preset={values.output} --output=samples.png")
