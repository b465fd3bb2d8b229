"""The program's first lines: the ``mlopsgen`` command, and ``python -m mlopsgen``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit code; whoever presses Ctrl-C while it starts is told like later on."""
    try:
        from mlopsgen.cli.main import main as run  # noqa: PLC0415 - it may be interrupted

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("stopped: Stopped.\n")
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
