"""Where things lie, and how large pictures are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build" / "videos"
PLAYER = BUILD / "node_modules" / "asciinema-player" / "dist" / "bundle"
BROWSER_PYTHON = ROOT / "build" / "videos-venv" / "bin" / "python"

WIDTH, HEIGHT = 1280, 800
"""Of the video, in pixels."""

BAR, STRIP = 40, 100
"""The heights of the title bar and of the strip with the caption."""

CONTENT = (WIDTH, HEIGHT - BAR - STRIP)
"""What is left for a terminal or a page."""

COLUMNS, ROWS = 104, 28
"""Of the terminal."""

FRAMES_A_SECOND = 12

LARGER = 1.1
"""How much larger a report is shown than in a window of this size, so that its small print can be read."""

DEMO = Path("/tmp/demo")
"""The home of the person in the videos, so that no path of a real one is seen; made anew each time."""
