"""The zoo: one folder per GAN family. A folder's `__init__` registers it; `kerasgan.registry` finds the folders."""
