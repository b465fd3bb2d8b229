"""The build hooks: the template with its released versions is packed, and README.md becomes the page on PyPI."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

PLACE = "mlopsgen/template.bundle"
# Links, pictures, pictures that are links, and the same as HTML.
_LINK = re.compile(
    r"(?P<before>(?P<image>!?)\[[^\]]*\]\(|\)\]\(|(?P<tag>src|srcset|href)=\")"
    r"(?!https?://|#|mailto:)(?P<path>[^)\"\s]+)"
)
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)


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


class PageOnPyPI(MetadataHookInterface):
    """Makes the relative links and pictures of README.md whole: on PyPI there is no repository around them."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the project's page."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        version = _VERSION.search((Path(self.root) / "mlopsgen" / "__init__.py").read_text(encoding="utf-8"))
        if version is None:
            raise ValueError("mlopsgen/__init__.py names no version")
        repository = self.config["repository"]

        def whole(found: re.Match[str]) -> str:
            kind = "raw" if found["image"] or found["tag"] in {"src", "srcset"} else "blob"
            return f"{found['before']}{repository}/{kind}/v{version[1]}/{found['path']}"

        metadata["readme"] = {"content-type": "text/markdown", "text": _LINK.sub(whole, text)}
