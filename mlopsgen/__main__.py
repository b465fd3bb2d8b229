"""``python -m mlopsgen``: the same program as the ``mlopsgen`` command."""

from mlopsgen.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
