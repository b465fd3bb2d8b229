"""Makes the videos: ``python -m videos [1] [2]``."""

from __future__ import annotations

import sys

from . import video_make, video_train
from .browser import Browser
from .places import BUILD, HERE
from .world import Occupied

VIDEOS = {"1": video_make, "2": video_train}


def main(chosen: list[str]) -> int:
    """Make the chosen videos, or both."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with Browser() as browser:
        for number in chosen or VIDEOS:
            try:
                film = VIDEOS[number].shoot(browser)
            except Occupied as occupied:
                print(occupied, file=sys.stderr)
                return 1
            film.make(browser, BUILD, HERE)
            print(f"{film.name}: {film.clock:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
