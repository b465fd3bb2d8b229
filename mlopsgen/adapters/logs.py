"""What libraries log is redacted before anybody can see it."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from mlopsgen.secret_value import redact


def redact_logs() -> None:
    """Take every living secret out of every log record from now on, whichever logger and handler it goes through."""
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def factory(*arguments: Any, **more: Any) -> logging.LogRecord:
        record = make(*arguments, **more)
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info))
            record.exc_info = None
        record.msg, record.args = redact(text), ()
        return record

    factory.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(factory)
