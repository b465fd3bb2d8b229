"""The committed videos and the scripts that make them, as far as that can be held without making them."""

from __future__ import annotations

import importlib
import json
import re
import struct
from itertools import pairwise
from pathlib import Path

import pytest

from videos import __main__ as videos
from videos.captions import Cue, as_vtt, read_vtt, reading_time
from videos.cluster_page import graph
from videos.film import Film
from videos.mp4 import facts
from videos.places import CONTENT, FRAMES_A_SECOND, HEIGHT, HERE, WIDTH

NAMES = [module.NAME for module in videos.VIDEOS.values()]
LINE = 84
"""What fits into a line of the caption's strip."""


@pytest.mark.parametrize("path", sorted(HERE.glob("*.py")), ids=lambda path: path.stem)
def test_scripts_import_and_are_short(path: Path) -> None:
    importlib.import_module(f"videos.{path.stem}" if path.stem != "__init__" else "videos")
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400


@pytest.mark.parametrize("name", NAMES)
def test_a_video_is_short_small_and_wide_enough(name: str) -> None:
    video = HERE / f"{name}.mp4"
    found = facts(video)
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    assert 60 <= found.seconds < 180
    assert video.stat().st_size < 8_000_000
    poster = (HERE / f"{name}.png").read_bytes()
    assert poster.startswith(b"\x89PNG")
    assert struct.unpack(">II", poster[16:24])[0] == 960
    assert len(poster) < 200_000


@pytest.mark.parametrize("name", NAMES)
def test_captions_can_be_read_and_end_with_the_video(name: str) -> None:
    cues = read_vtt((HERE / f"{name}.vtt").read_text(encoding="utf-8"))
    assert cues[0].start == 0
    assert cues[-1].end <= facts(HERE / f"{name}.mp4").seconds + 0.1
    for before, after in pairwise(cues):
        assert before.end <= after.start, after
    for cue in cues:
        lines = cue.text.splitlines()
        assert len(lines) <= 2, cue
        assert max(map(len, lines)) <= LINE, cue
        assert cue.letters_a_second <= 21, cue


@pytest.mark.parametrize(
    ("name", "words"), list(zip(NAMES, (["stand-in"], ["stand-in", "Kubeflow", "act "]), strict=True))
)
def test_captions_say_what_is_a_stand_in(name: str, words: list[str]) -> None:
    text = (HERE / f"{name}.vtt").read_text(encoding="utf-8")
    assert [word for word in words if word not in text] == []


def test_nothing_of_a_machine_is_in_captions_or_scripts() -> None:
    for path in (*HERE.glob("*.vtt"), *HERE.glob("*.py"), HERE / "package-lock.json", HERE / "requirements.txt"):
        assert not re.search(r"/home/|/root/|registry\.|index-url", path.read_text(encoding="utf-8")), path.name


def test_locks_have_hashes() -> None:
    packages = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if name and not package["integrity"].startswith("sha512-")] == []
    lock = (HERE / "requirements.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^[a-z0-9_.-]+==.*\\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z0-9_.-]+[=@ ]", lock, re.MULTILINE)) > 50


def test_captions_are_written_and_read() -> None:
    cues = [Cue(0.0, 2.5, "One"), Cue(2.5, 3725.125, "Two\nlines")]
    text = as_vtt(cues)
    assert "00:00:02.500 --> 01:02:05.125\nTwo\nlines" in text
    assert read_vtt(text) == cues
    with pytest.raises(ValueError, match="no WebVTT"):
        read_vtt("1\n")
    with pytest.raises(ValueError, match="no times"):
        read_vtt("WEBVTT\n\nnow\nOne")


def test_a_film_keeps_the_terminals_time_and_its_own_apart(tmp_path: Path) -> None:
    film = Film("toy")
    film.say("First")
    film.card("<p>Hello</p>", "title", 1.0)
    film.terminal("Terminal")
    film.show([(0.0, "a"), (0.5, "b")], 2.0)
    film.say("Second")
    film.page(tmp_path / "page.png", "address", 1.0, scroll=(0, 600))
    film.terminal("Terminal")
    film.show([(0.0, "c")], 0.5)
    assert [at for at, _ in film.events] == [0.0, 1.0, 2.0]
    assert film.cues == [Cue(0.0, 3.0, "First"), Cue(3.0, 4.5, "Second")]
    frames = list(film.frames())
    kinds = [frame["kind"] for _, frame in frames]
    assert kinds[0] == "card"
    assert kinds[-1] == "terminal"
    drawn = [number / FRAMES_A_SECOND for number, frame in frames if frame["kind"] == "terminal"]
    assert drawn[:2] == [1.0, 2.0], "a picture is drawn where something changes, and nowhere else"
    scrolled = [frame["scroll"] for _, frame in frames if frame["kind"] == "page"]
    assert scrolled == sorted(scrolled)
    assert scrolled[-1] > 580
    assert film.waiting == "nothing was cut"
    film.speeds += [("one", 30.0, 3.0), ("two", 12.4, 2.0)]
    assert film.waiting == "42 seconds are shown in 5"
    head, *events = [json.loads(line) for line in film.cast.splitlines()]
    assert head["version"] == 2
    assert events[:2] == [[0.0, "o", "a"], [1.0, "o", "b"]]


def test_a_caption_stays_until_it_is_read() -> None:
    film = Film("toy")
    film.say("A caption of several words")
    film.say("The next one")
    assert film.clock == reading_time("A caption of several words")


def test_the_graph_of_a_package_shows_what_runs() -> None:
    leaf = {"executorLabel": "x"}
    tasks = {
        "first": {"componentRef": {"name": "leaf"}},
        "if": {"componentRef": {"name": "inner"}, "dependentTasks": ["first"]},
        "last": {"componentRef": {"name": "leaf"}, "dependentTasks": ["first", "if"]},
    }
    inner = {"dag": {"tasks": {"register": {"componentRef": {"name": "leaf"}}}}}
    spec = {"components": {"leaf": leaf, "inner": inner}, "root": {"dag": {"tasks": tasks}}}
    names, edges = graph(spec)
    assert sorted(names) == ["first", "last", "register"]
    assert edges == [("first", "register"), ("register", "last")]


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    path = tmp_path / "no.mp4"
    path.write_bytes(b"\0\0\0\x08free")
    with pytest.raises(ValueError, match=r"no\.mp4"):
        facts(path)


def test_the_strip_and_the_bar_leave_the_rest_to_the_picture() -> None:
    assert CONTENT == (1280, 660)
    look = (HERE / "pages" / "stage.html").read_text(encoding="utf-8")
    assert f"height: {CONTENT[1]}px" in look
