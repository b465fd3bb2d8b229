"""``--output json``: one envelope on standard output, progress as NDJSON on standard error."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import TextIO

from mlopsgen.cli.session import Output
from mlopsgen.errors import MlopsgenError
from mlopsgen.events import Event
from mlopsgen.result import OperationResult, envelope
from mlopsgen.secret_value import redact_document


def requested(arguments: Sequence[str]) -> Output:
    """How the result is to be shown; read before parsing, because a command line that cannot be parsed needs it too."""
    before_end = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    wanted = "--output=json" in before_end or ("--output", "json") in pairwise(before_end)
    return Output.json if wanted else Output.text


class JsonEvents:
    """Writes each event as a line of JSON."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        # Calls that run at once tell what they wait for.
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Write the event's line."""
        line = json.dumps(redact_document(event.as_dict()), ensure_ascii=False, default=str)
        with self._lock:
            self._stream.write(f"{line}\n")
            self._stream.flush()


def render_envelope(command: str, outcome: OperationResult | MlopsgenError) -> str:
    """The envelope's text."""
    document = envelope(command, outcome)
    spoken = {key: redact_document(document[key]) for key in ("summary", "data", "next_steps", "error")}
    if isinstance(outcome, MlopsgenError):
        spoken["error"]["code"] = outcome.code
    return json.dumps(document | spoken, indent=2, ensure_ascii=False, default=str)  # YAML has dates
