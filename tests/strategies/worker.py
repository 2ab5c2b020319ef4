"""One of several workers that `TF_CONFIG` lists: trains, and writes what came of it: `worker.py PATH` (no suffix)."""

import sys

from kerasgan import strategies

if __name__ == "__main__":
    strategy = strategies.get("multi_worker")  # before TensorFlow computes anything

    import small

    small.save(f"{sys.argv[1]}.npz", *small.train(strategy, shuffled=True))
    small.save(f"{sys.argv[1]}_conditional.npz", *small.train_conditional(strategy))
