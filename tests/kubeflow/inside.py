"""Runs Python in the environment of the generated repository; a program of its own there, fed over its standard input.

Each line in is ``{"code", "given"}``; the code finds ``given`` and leaves ``result``. Each line out is ``{"result",
"printed"}`` or ``{"error", "kind", "printed"}``. Started once for many tests, because kfp takes seconds to import.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
import traceback
import warnings
from typing import Any


def main() -> None:
    """Answers until nothing comes any more."""
    out = sys.stdout
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        asked = json.loads(line)
        names: dict[str, Any] = {"given": asked["given"], "threading": threading, "json": json}
        printed = io.StringIO()
        answer: dict[str, Any] = {}
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                exec(compile(asked["code"], "<test>", "exec"), names)
                answer["result"] = names.get("result")
                text = json.dumps(answer, default=str)
            except BaseException as error:  # noqa: BLE001 - the test wants to see it, whatever it is
                shown = traceback.format_exc()
                answer = {"error": str(error), "kind": type(error).__name__, "trace": shown}
                status = getattr(error, "status", None)
                answer |= {"status": status, "exit_code": int(getattr(error, "exit_code", 0) or 0)}
                answer |= {name: str(getattr(error, name, "")) for name in ("message", "hint", "where", "body")}
                text = json.dumps(answer, default=str)
        out.write(json.dumps({**json.loads(text), "printed": printed.getvalue()}) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
