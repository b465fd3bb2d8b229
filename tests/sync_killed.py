"""Runs commands of ``mlopsgen sync``, each in a process of its own that is killed at one of its git commands.

``python sync_killed.py`` reads tasks as lines of JSON and answers each with one: it forks for each, so it must not have
threads, and it has imported everything before. What kills is the ``git`` that it finds first: it counts how often it
was called in the person's repository, and ends its caller before or after it has done what it was called for.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from mlopsgen.errors import MlopsgenError
from tests.sync_toys import Person

GIT = """\
#!/bin/sh
# Only what changes something counts, or comes right after what this program changed itself.
verb=
skip=
for word in "$@"; do
  if [ "$skip" ]; then skip=; continue; fi
  case "$word" in
    -c|-C) skip=yes ;;
    -*) ;;
    *) verb=$word; break ;;
  esac
done
case "$verb" in
  fetch|update-ref|checkout|cherry-pick|restore|update-index|commit-tree) ;;
  *) exec "$REAL_GIT" "$@" ;;
esac
case "$PWD" in "$COUNTED"*) ;; *) exec "$REAL_GIT" "$@" ;; esac
echo "$verb" >> "$COUNT"
if [ "$(wc -l < "$COUNT")" -ne "$KILL_AT" ]; then exec "$REAL_GIT" "$@"; fi
if [ "$KILL_WHEN" = before ]; then kill -KILL "$PPID"; exit 1; fi
"$REAL_GIT" "$@"
kill -KILL "$PPID"
"""


def main() -> None:
    """Do the tasks."""
    for line in sys.stdin:
        task = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_run(task))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(task: dict[str, Any]) -> int:
    person = Person(folder=Path(task["folder"]), environ=task["environ"])
    try:
        getattr(person, task["command"])()
    except MlopsgenError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    except BaseException as error:  # noqa: BLE001 - a fork of the launcher must not go on with its loop
        sys.stderr.write(f"{error!r}\n")
        return 3
    return 0


if __name__ == "__main__":
    main()
