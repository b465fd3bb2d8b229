"""It is :mod:`mlopsgen.adapters.yaml_lines` now."""

from __future__ import annotations

from mlopsgen.adapters.yaml_lines import Lines, Path, read

__all__ = ["Lines", "Path", "read"]
