"""The first video: the tool makes a repository and pushes it."""

from __future__ import annotations

import re

from . import repository_page
from .browser import Browser
from .drawn import from_markdown, take
from .film import Film
from .places import BUILD
from .terminal import DOWN, READY, SPACE, Terminal
from .world import World, opened

NAME = "1-make-the-repository"
DATA = "https://archive.ics.uci.edu/ml/machine-learning-databases/wine-quality/winequality-red.csv"
TOKEN = "a token of a cluster that does not exist"
FULL_NAME = "acme/wine-quality"
README = "README.md   (drawn here, not by GitHub)"

TITLE = """<h1>mlopsgen 1: make the repository</h1>
<p class="flow"><b>the wizard asks</b> → <b>a repository</b> → <b>the push shows a plan</b> → <b>all is set up</b></p>
<p>One wizard, one push: a machine-learning repository with three branches, tests, a pipeline, workflows,
protected environments and sealed secrets.</p>
<p>Everything you see is a recording of real commands.<br>
<b>GitHub is a stand-in on this machine</b>: it checks every call with GitHub's own description of its API.</p>"""

END = """<h1>That was it</h1>
<ul><li>Typed: <code>mlopsgen init</code>, fourteen answers (eight of them by enter alone),
<code>mlopsgen push</code>, a token, one <code>y</code>.</li>
<li>Real: the tool, git, the repository, every request and answer.</li>
<li>Stand-in: GitHub. The tool has not been run against github.com yet.</li>
<li>Waiting: {waiting}; the plan and the list of what was done are shown slower than they came.</li></ul>
<p>&nbsp;</p><p>Next: video 2 trains with it. Or try it yourself: <code>make demo</code></p>"""


def shoot(browser: Browser) -> Film:
    """Play the scenes."""
    with opened() as world:
        return play(world, browser)


def play(world: World, browser: Browser | None = None) -> Film:
    """Play the scenes for somebody who watches them; without a browser for nobody, so that they take less time."""
    film = Film(NAME)
    film.say("From nothing to a machine-learning repository,\nwith one wizard and one push.")
    film.card(TITLE, "mlopsgen", 8)
    with Terminal(film, world.home, world.environ, hurried=browser is None) as terminal:
        _wizard(film, terminal)
        _look(film, terminal, world, browser)
        _push(film, terminal)
        _there(film, world, browser)
        _again(film, terminal)
    film.chapter("")
    film.say("")
    film.card(END.format(waiting=film.waiting), "mlopsgen", 9)
    return film


def _wizard(film: Film, terminal: Terminal) -> None:
    film.chapter("1 of 4 · The wizard")
    film.say("One command. 'init' needs no account, no Docker and no cluster.")
    terminal.write('mlopsgen init --name "Wine quality"')
    film.hold(0.8)
    film.say("The wizard shows every default first.\nYou mark only what you want to change.")
    terminal.enter("○ Python version", hold=3.5)
    terminal.press(DOWN, SPACE, DOWN, SPACE, *[DOWN] * 6, SPACE, pace=0.3)
    film.say("Marked: the data, where development trains, and who approves production.")
    film.hold(1.6)
    film.poster = film.clock - 0.5
    terminal.enter(asked("Data"), hold=0.8)
    film.say("Data: the wine-quality table of the UCI repository.\nA path, s3://, git or a database would do as well.")
    terminal.press("\x15", pace=0.02)
    terminal.write(DATA, pace=0.012)
    film.hold(1.4)
    terminal.enter(asked("Format"), hold=0.8)
    terminal.enter(asked("Target column"), hold=0.5)
    terminal.write("quality")
    film.hold(0.6)
    terminal.enter(asked("Task"), hold=0.9)
    film.say("Development trains on a Kubeflow cluster.\nStaging and production could use others.")
    terminal.enter(asked("Engine"), hold=0.8)
    terminal.press(DOWN, pace=0.8)
    terminal.enter(asked("Kubeflow address"), hold=0.5)
    terminal.write("https://kubeflow.example.org/pipeline", pace=0.03)
    film.hold(0.5)
    for question in ("Namespace", "Login", "Access", "Wait", "MLflow address"):
        terminal.enter(asked(question), hold=0.9)
    terminal.write("https://mlflow.example.org", pace=0.03)
    film.hold(0.5)
    terminal.enter(asked("Runner"), hold=0.9)
    terminal.enter(asked("Reviewers"), hold=0.5)
    film.say("A team approves each training for production.")
    terminal.write("acme/ml")
    film.hold(0.7)
    terminal.enter(asked("Wait"), hold=0.7)
    film.say("A summary. Nothing has been written so far.")
    terminal.enter(asked("Write it"), hold=4)
    film.say("The template is rendered and committed.")
    terminal.enter(READY)
    film.say("Written: 256 files. What can be done next stands below.")
    film.hold(4)


def asked(title: str) -> str:
    """The pattern of a question that waits for an answer: its title, and on the same line how to answer."""
    return rf"{title}[^\n]*(back\)|arrows, enter)"


def _look(film: Film, terminal: Terminal, world: World, browser: Browser | None) -> None:
    film.chapter("2 of 4 · The repository")
    film.say("The repository: three branches, a complete example pipeline,\ntests, workflows and documentation.")
    terminal.clear()
    terminal.run("cd wine-quality && git branch", hold=1)
    terminal.run("ls . src/pipelines src/steps .github/workflows", hold=3.5)
    film.say("Its README says what to edit first, where everything is,\nand what happens at each push.")
    text = (world.home / "wine-quality" / "README.md").read_text(encoding="utf-8").partition("## What happens")[0]
    film.note(README, re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text))  # where links lead is not seen
    if browser is not None:
        picture = take(
            browser, "readme", f"<main>{from_markdown(text)}</main>", BUILD / f"{NAME}-readme.png", whole=True
        )
        film.page(picture, README, 2.5)
        film.page(picture, README, 1, scroll=(0, 420))
        film.page(picture, README, 2.5, scroll=(420, 420))
    terminal.seen()


def _push(film: Film, terminal: Terminal) -> None:
    film.chapter("3 of 4 · The push")
    film.say("Now to GitHub: here a stand-in on this machine (127.0.0.1).\n('push --local' trains without it.)")
    terminal.clear()
    terminal.write("mlopsgen push --org acme")
    film.hold(0.5)
    terminal.enter("hidden", hold=0.8, most=3, what="reading what is there")
    film.say("The cluster's token is asked for once. It is sealed for one environment\nand stands in no file.")
    terminal.write(TOKEN, pace=0.02)
    film.hold(1)
    film.say("First the plan: everything that GitHub will have.\n(Shown slowly, so that you can read it.)")
    terminal.enter(r"\[y/N\]: ", least=14, hold=3)
    film.say("One question, and the plan is carried out and read back.")
    terminal.write("y")
    film.hold(0.5)
    terminal.enter(READY, least=9, hold=5)


def _there(film: Film, world: World, browser: Browser | None) -> None:
    film.chapter("3 of 4 · The push")
    film.say("What the stand-in now holds, read through GitHub's API.")
    held, address = repository_page.held(world, FULL_NAME), f"{world.github.url}/{FULL_NAME}"
    film.note(address, held.text)
    if browser is not None:
        film.page(held.picture(browser, BUILD / f"{NAME}-repository.png"), address, 9)


def _again(film: Film, terminal: Terminal) -> None:
    film.chapter("4 of 4 · And again")
    film.say("Push again: what is there is compared with what shall be.\nNothing differs, so nothing is done.")
    terminal.seen()
    terminal.clear()
    terminal.run("mlopsgen push", hold=4, most=2.5)
