"""`python -m kerasgan.data.noto_emoji`."""

from kerasgan.data.noto_emoji import main

main()
