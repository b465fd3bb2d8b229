"""The build hook: puts the template with its released versions into the package, as a git bundle."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "mlopsgen/template.bundle"


class TemplateBundle(BuildHookInterface[Any]):
    """Makes the bundle from a checkout; an unpacked source package brings it along."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the bundle to what is built; an editable installation reads the checkout itself."""
        if version == "editable":
            return
        bundle = Path(self.root) / PLACE
        if (Path(self.root) / ".git").exists():
            # The tool's own code makes it; it needs nothing but Python and git.
            sys.path.insert(0, self.root)
            from mlopsgen.adapters.template_store import write_bundle  # noqa: PLC0415 - found through the path above

            self._scratch = Path(tempfile.mkdtemp(prefix="mlopsgen-build-"))
            bundle = write_bundle(Path(self.root), self._scratch, os.environ)
        elif not bundle.is_file():
            raise FileNotFoundError(f"{PLACE} is missing: build from a git checkout or from the source package")
        build_data["force_include"][str(bundle)] = PLACE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what the bundle was made in."""
        scratch = getattr(self, "_scratch", None)
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
