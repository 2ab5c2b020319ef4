"""One of several workers that `TF_CONFIG` lists: trains and writes what came of it: `worker.py FILE.npz`."""

import sys

from kerasgan import strategies

if __name__ == "__main__":
    strategy = strategies.get("multi_worker")  # before TensorFlow computes anything

    import small

    small.save(sys.argv[1], *small.train(strategy, shuffled=True))
