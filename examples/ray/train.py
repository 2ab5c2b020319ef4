"""A training on a Ray cluster: what `kerasgan train ... --workers=2-4` does, as a program.

    ray start --head                        # on one machine; the others: ray start --address=HEAD:6379
    python examples/ray/train.py --output=/shared/runs/dcgan

The output is a folder that all machines see, or an address such as s3://bucket/runs/dcgan.
"""

from absl import app, flags

from kerasgan import cluster, runs

FLAGS = flags.FLAGS
flags.DEFINE_string("output", None, "the run's folder, seen by all machines", required=True)
flags.DEFINE_string("model", "dcgan", "a family of GANs")
flags.DEFINE_string("dataset", "fashion_mnist", "what is trained on")
flags.DEFINE_integer("epochs", 20, "passes over the data")
flags.DEFINE_integer("batch_size", 240, "of all workers together; each count of workers must divide it")
flags.DEFINE_string("workers", "2-4", "processes: how many, or the least and the most")
flags.DEFINE_string("ray", "auto", "where the cluster is: auto, local, HOST:PORT")


def main(_):
    config = runs.resolve(FLAGS.model, FLAGS.dataset, epochs=FLAGS.epochs, batch_size=FLAGS.batch_size)
    place = cluster.Place(FLAGS.output)
    outcome = cluster.train(
        config,
        FLAGS.output,
        cluster.parse_workers(FLAGS.workers),
        FLAGS.ray,
        resume=runs.holds_run(place.folder),
        checkpoint_steps=100,
    )
    print(f"{FLAGS.output} is at step {outcome.step}")


if __name__ == "__main__":
    app.run(main)
