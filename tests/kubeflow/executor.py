"""Really runs what is submitted: the steps of a package, one process each, as its containers' commands say.

Their Python has imported the libraries before (``warm.py``).
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests import template_environment

from . import warm
from .fake import FakeKubeflow
from .world import Run, Version

PROGRAM = Path(__file__).parent / "program.py"


@dataclass
class Executor:
    """The cluster behind a fake Kubeflow; attach it with ``Executor(kubeflow, folder).attach()``.

    Attributes:
        kubeflow: Where runs are made.
        folder: Where their artifacts lie.
        environ: Variables of every image.
        secrets: The cluster's Secrets: name to key to value.
    """

    kubeflow: FakeKubeflow
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)

    def attach(self) -> Executor:
        """Runs everything that is submitted from now on."""
        self.kubeflow.on_start(self._start)
        return self

    def _start(self, run: Run, version: Version | None) -> None:
        assert version is not None, "only what was uploaded as a pipeline is run here"
        run.moments = []  # its steps say how it goes
        thread = threading.Thread(target=self._run, args=(run, version), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _run(self, run: Run, version: Version) -> None:
        folder = self.folder / run.id
        folder.mkdir(parents=True)
        package, request = folder / "package.yaml", folder / "request.json"
        package.write_bytes(version.package)
        path = f"{warm.programs()}:{template_environment.python().parent}:/usr/bin:/bin"
        asked = {
            "package": str(package),
            "folder": str(folder / "artifacts"),
            "environ": {"PATH": path, **self.environ},
            "secrets": {name: dict(keys) for name, keys in self.secrets.items()},
            "run_id": run.id,
            "parameters": run.body.get("runtime_config", {}).get("parameters", {}),
        }
        request.write_text(json.dumps(asked))
        place = next(template_environment.TEMPLATE.glob("tests/**/cluster.py")).parent
        world = self.kubeflow.world
        with subprocess.Popen(
            [str(template_environment.python()), str(PROGRAM), str(place), str(request)],
            env=template_environment.environ(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            with world.lock:
                world.set_state(run, "RUNNING")
            for line in process.stdout:
                told = json.loads(line)
                with world.lock:
                    world.set_task(run, told["task"], told["state"])
                    if told["log"]:
                        run.play.logs[told["task"]] = told["log"]
                if run.terminated:
                    process.kill()
            code = process.wait()
        with world.lock:
            world.set_state(run, "SUCCEEDED" if code == 0 else "FAILED")
