"""The whole road in a few minutes: real images -> a DCGAN trained with `fit` -> pictures -> .keras -> SavedModel.

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
BATCH_SIZE = 64  # half the paper's: twice as many updates in the same time, which is what a short training lacks
ROUNDS, STEPS = 16, 117  # 1,872 steps: all of the 60,000 images twice


def main():
    start = time.perf_counter()
    gan = kerasgan.create_model("dcgan", image_shape=(28, 28, 1))
    images = kerasgan.data.load("fashion_mnist", split="train", batch_size=BATCH_SIZE, like=gan)
    print(f"Training on the 60,000 images of Fashion-MNIST: {ROUNDS} rounds of {STEPS} steps of {BATCH_SIZE} images.")
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

  {OUTPUT}/samples.png             64 samples
  {OUTPUT}/training/samples.gif    how they came about
  {OUTPUT}/curves.png              the losses, D's mean on real and on generated images, and what V certifies
  {OUTPUT}/gan.keras               the trained GAN with both optimizers
  {OUTPUT}/servable                the SavedModel

What to type next:

  .venv/bin/kerasgan sample --preset={OUTPUT}/gan.keras --n=25 --seed=100 --output=more.png
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
