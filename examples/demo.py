"""The whole road in two minutes: a trained preset -> samples -> a minute of `fit` on real images -> SavedModel.

`make demo` runs this. Everything lands in the folder demo/.
"""

import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

import kerasgan

OUTPUT = pathlib.Path("demo")
PRESET = "dcgan_fashion_mnist"
ROUNDS, STEPS = 6, 60  # a minute on two cores


def main():
    start = time.perf_counter()
    gan = kerasgan.GAN.from_preset(PRESET)
    kerasgan.plots.grid(gan.generate(64, seed=0), OUTPUT / "preset.png")
    print(
        f"{OUTPUT}/preset.png: 64 samples of {PRESET}, {time.perf_counter() - start:.1f} s after TensorFlow was there."
    )

    images = kerasgan.data.load("fashion_mnist", split="train", batch_size=128, like=gan)
    print(f"Going on with its training on Fashion-MNIST: {ROUNDS} rounds of {STEPS} steps of 128 images.")
    history = gan.fit(
        images.repeat(),
        epochs=ROUNDS,
        steps_per_epoch=STEPS,
        callbacks=[kerasgan.callbacks.SampleGrid(OUTPUT / "training", every="epoch")],
    )
    kerasgan.plots.curves(history.history, OUTPUT / "curves.png", x=STEPS * np.arange(1, ROUNDS + 1), xlabel="step")
    kerasgan.plots.grid(gan.generate(64, seed=0), OUTPUT / "samples.png")
    gan.save(OUTPUT / "gan.keras")
    gan.export(OUTPUT / "servable")
    served = serve(OUTPUT / "servable", seeds=np.arange(16))
    difference = np.abs(served - gan.generate(16, seed=0)).max()
    if difference > 1e-5:
        raise SystemExit(f"The exported model's samples differ from the trained model's by {difference}.")

    print(f"""
Done in {time.perf_counter() - start:.0f} s. The exported model gives the same samples as the trained one.

  {OUTPUT}/preset.png              64 samples of the preset
  {OUTPUT}/samples.png             the same seeds after the minute of training
  {OUTPUT}/training/samples.gif    how they changed
  {OUTPUT}/curves.png              the losses, D's mean on real and on generated images, and what V certifies
  {OUTPUT}/gan.keras               the trained GAN with both optimizers
  {OUTPUT}/servable                the SavedModel

What to type next:

  .venv/bin/kerasgan sample --preset={OUTPUT}/gan.keras --n=25 --seed=100 --output=more.png
  .venv/bin/kerasgan evaluate --preset={OUTPUT}/gan.keras --dataset=fashion_mnist --output=report.json
  .venv/bin/kerasgan train --model=dcgan --dataset=fashion_mnist --epochs=20 --output=runs/dcgan
  .venv/bin/kerasgan export --preset={OUTPUT}/gan.keras --output=saved_models/my_dcgan""")


def serve(path, seeds):
    """The images of these seeds from a SavedModel, run as a server runs it: by a session that knows no Keras."""
    tf.get_logger().setLevel("ERROR")  # TensorFlow warns that this way to load is old; TF Serving's is this one
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signature = tf.compat.v1.saved_model.load(session, ["serve"], str(path)).signature_def["sample"]
        return session.run(signature.outputs["images"].name, {signature.inputs["seed"].name: seeds})


if __name__ == "__main__":
    main()
