"""Where the command `popgan` begins: Ctrl-C while it is being loaded shows no traceback."""

import sys


def start() -> None:
    """Load the command line and do what it was asked for."""
    try:
        from popgan.cli.main import main
    except KeyboardInterrupt:
        sys.stderr.write("popgan: interrupted; nothing was begun.\n")
        sys.exit(130)
    main()
