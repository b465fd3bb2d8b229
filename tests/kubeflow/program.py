"""Follows one package as a cluster does, in the environment of the generated repository, and tells of each step.

Called as ``python program.py FOLDER-OF-cluster.py REQUEST.json``; prints a line of JSON for each change of a step.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(where: str, request: str) -> int:
    """Runs the package; whether it succeeded is the exit code."""
    sys.path.insert(0, where)
    import cluster  # type: ignore[import-not-found]  # noqa: PLC0415 - the template's cluster of one machine

    def say(name: str, state: str, log: str = "") -> None:
        sys.stdout.write(json.dumps({"task": name.rpartition("/")[2], "state": state, "log": log}) + "\n")
        sys.stdout.flush()

    class Telling(cluster.Cluster):  # type: ignore[misc]
        def _execute(self, label: str, component: Any, taken: Any, path: str) -> Any:
            say(path, "RUNNING")
            try:
                found = super()._execute(label, component, taken, path)
            except cluster.FailedError:
                say(path, "FAILED", self.logs.get(path, ""))
                raise
            say(path, "SUCCEEDED", self.logs.get(path, ""))
            return found

    asked = json.loads(Path(request).read_text())
    made = Telling(
        Path(asked["package"]),
        Path(asked["folder"]),
        environ=asked["environ"],
        secrets=asked["secrets"],
        run_id=asked["run_id"],
    )
    return 0 if made.run(**asked["parameters"]) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
