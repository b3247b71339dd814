"""`python -m popgan`: the command line, where the command `popgan` is not on the path."""

from popgan.cli.start import start

start()
