"""The second video: the example pipeline's code is put in place, trains by a push, and is improved by another."""

from __future__ import annotations

import json
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.kubeflow.fake import NAMESPACE
from tests.kubeflow.world import Run

from . import cluster, cluster_page, mlflow_pages, run_page, world
from .browser import Browser
from .drawn import from_markdown, head, take
from .editor import Editor, editor
from .film import Film
from .places import BUILD, CONTENT, LARGER
from .recorded import Watched, watch
from .terminal import Terminal

NAME = "2-train-by-push"
FIRST, SECOND = "Predict the quality of red wine", "Learn from products of two measurements"
DRAFT = bool(os.environ.get("VIDEOS_DRAFT"))
QUICK = ("Check style and types", "Run the tests")
"""Steps that take minutes: left out with ``VIDEOS_DRAFT=1``; the film says so."""

TITLE = """<h1>mlopsgen 2: train by git push</h1>
<p class="flow"><b>code</b> → <b>git push</b> → <b>tests</b> → <b>training</b> → <b>report</b> → <b>promotion</b></p>
<p>The code of an example pipeline is put into the repository of video 1: it predicts the quality of red wine.
A push trains it, a report says how good it is, a second push makes it better.</p>
<p>Real: the repository, git, the workflow files, the training, MLflow, the report.<br>
<b>Stand-ins on this machine</b>: GitHub, the Kubeflow API; <b>act</b> runs the workflows.<br>
Waiting is shortened, and each time it says so.</p>"""


@dataclass
class Scenes:
    """What all scenes use."""

    film: Film
    browser: Browser
    world: world.World
    stage: cluster.Cluster
    terminal: Terminal
    editor: Editor

    def push(self, message: str, say: str) -> Watched:
        """Commit and push in the terminal; then the workflow runs, unseen so far."""
        before = self.stage.actions.repository.branches["development"]
        self.terminal.run("git add --all", hold=0.3)
        self.terminal.run(f'git commit --quiet -m "{message}"', hold=0.4)
        self.film.say(say)
        self.terminal.run("git push", hold=2.5)
        (started,) = self.stage.actions.start_pushed("development", before)
        seen = watch(self.stage.actions, started)
        assert seen.run.conclusion == "success", seen.run.said()
        return seen

    def picture(self, name: str) -> Path:
        """Where a picture lies."""
        return BUILD / f"{NAME}-{name}.png"


def shoot(browser: Browser) -> Film:
    """Play the scenes."""
    film = Film(NAME)
    with world.opened() as there, cluster.opened(there) as stage:
        if DRAFT:
            stage.actions.done = QUICK
        film.say("A data scientist's day: put code in place, commit, push,\nread the report, improve.")
        film.card(TITLE, "mlopsgen", 8)
        with (
            Terminal(film, stage.repository, there.environ) as terminal,
            editor(film, browser, stage.repository) as lab,
        ):
            scenes = Scenes(film, browser, there, stage, terminal, lab)
            _place(scenes)
            first = _first(scenes)
            _results(scenes, first)
            second = _second(scenes)
            _promoted(scenes, second)
        film.chapter("")
        film.say("")
        film.card(_end(film, stage.data), "mlopsgen", 10)
    return film


def _place(scenes: Scenes) -> None:
    film, terminal, lab = scenes.film, scenes.terminal, scenes.editor
    film.chapter("1 of 5 · The code")
    film.say("The repository as the tool made it. The code of our pipeline lies beside it.")
    terminal.run("ls ../wine-code ../wine-code/src/*", hold=2)
    film.say("Copied into it: two steps of our own, the pipeline,\nthe data source, tests, a notebook.")
    terminal.run("cp -r ../wine-code/. .", hold=0.5)
    terminal.run("git status --short", hold=3)
    lab.open("src/pipelines/pipeline.yaml")
    lab.scroll(190)
    film.say("The pipeline is a list of steps and their parameters.\nInputs and outputs find each other by name.")
    lab.shoot(5)
    lab.open("src/steps/train_model.py")
    lab.scroll(640)
    film.say("A step is a plain function with types.\nThis one fits ElasticNet and saves the model.")
    lab.shoot(6)


def _first(scenes: Scenes) -> Watched:
    film, browser, news = scenes.film, scenes.browser, scenes.stage.news
    film.chapter("2 of 5 · The push trains")
    scenes.terminal.seen()
    scenes.terminal.clear()
    film.say("Commit and push. That is all a data scientist does.")
    first = scenes.push(FIRST, "The push goes to the stand-in of GitHub on this machine.")
    film.say(
        "The branch's workflow tests the commit, then submits the training.\n(act runs it here. Waiting is shortened.)"
    )
    _tested_and_submitted(scenes, first, f"development: {FIRST}", (7, 4))
    film.say(
        "On Kubeflow: here a stand-in for its API.\nThe submitted steps really run, and log to a real MLflow server."
    )
    _cluster(scenes, 9)
    film.say("The workflow hears of the end, keeps the report,\nand proposes the model for staging.")
    span = news.span(_newest(scenes).id)[1], first.ended
    run_page.play(film, browser, first, span=span, seconds=5, title=f"development: {FIRST}")
    film.hold(1)
    return first


def _tested_and_submitted(scenes: Scenes, run: Watched, title: str, seconds: tuple[float, float]) -> None:
    """Show a run of a workflow until the training is on the cluster: its tests, then the rest."""
    tested, submitted = run.end_of("test"), scenes.stage.news.span(_newest(scenes).id)[0]
    for span, each in zip(((run.began, tested), (tested, submitted)), seconds, strict=True):
        run_page.play(scenes.film, scenes.browser, run, span=span, seconds=each, title=title)


def _newest(scenes: Scenes) -> Run:
    """The newest run on the stand-in of Kubeflow."""
    return scenes.stage.kubeflow.runs[-1]


def _cluster(scenes: Scenes, seconds: float) -> None:
    address = f"{scenes.stage.kubeflow.address}   namespace {NAMESPACE}"
    news, run = scenes.stage.news, _newest(scenes)
    cluster_page.play(scenes.film, scenes.browser, news, run, address=address, seconds=seconds)
    scenes.film.hold(1)


def _results(scenes: Scenes, first: Watched) -> None:
    film = scenes.film
    film.chapter("3 of 5 · The report")
    film.say("The report: the verdict first, in words.\nThe first model has no champion to beat, only thresholds.")
    _report(scenes, first, "first", 12)
    film.say("The same run in MLflow: metrics, parameters, the model.")
    _mlflow(scenes, mlflow_pages.newest_run(scenes.stage.mlflow), "run", 6)


def _report(scenes: Scenes, run: Watched, name: str, seconds: float) -> None:
    source = BUILD / f"report-{name}.html"
    source.write_bytes(run.run.artifacts["report-development"]["report.html"])
    page = scenes.browser.page("report", source.as_uri(), scale=LARGER)
    page.rest(seconds=0.5)
    picture = page.shot(scenes.picture(f"report-{name}"), whole=True)
    height = float(page.run(script="() => document.documentElement.scrollHeight")) * LARGER
    where = "report.html   (kept with the run, as an artifact)"
    report = run.run.artifacts["report-development"]
    scenes.film.note(where, report["report.md"].decode())
    scenes.film.data[f"{name} report"] = json.loads(report["report.json"])
    top, down = 60, min(max(height - CONTENT[1], 0), 690)
    scenes.film.page(picture, where, seconds * 0.45, scroll=(top, top))
    scenes.film.page(picture, where, seconds * 0.15, scroll=(top, down))
    scenes.film.page(picture, where, seconds * 0.4, scroll=(down, down))


def _mlflow(scenes: Scenes, path: str, name: str, seconds: float) -> None:
    server = scenes.stage.mlflow
    first, target = name == "run", scenes.picture(f"mlflow-{name}")
    show = "" if first else "Version 1"
    picture = mlflow_pages.picture(scenes.browser, server, path, target, first=first, show=show)
    scenes.film.page(picture, server, seconds)
    scenes.film.note(server, f"(MLflow's own page of the {name})")


def _second(scenes: Scenes) -> Watched:
    film, lab = scenes.film, scenes.editor
    film.chapter("4 of 5 · A better model")
    film.say(
        "An idea: what sulphates do depends on the alcohol.\nSo the model also gets the products of two measurements."
    )
    lab.open("src/steps/train_model.py")
    lab.to_end_of("from sklearn.preprocessing import")
    lab.press("Control+ArrowLeft")
    lab.write("PolynomialFeatures, ")
    lab.scroll(190)
    lab.to_end_of('("scale", StandardScaler()),')
    lab.press("Enter")
    lab.write('("products", PolynomialFeatures(degree=2, include_bias=False)),')
    lab.press("Enter")
    lab.write('("scale_products", StandardScaler()),')
    lab.save()
    film.say("And more of them may keep a weight.")
    lab.open("src/pipelines/pipeline.yaml")
    lab.to_end_of("alpha: 0.1")
    lab.press("Home")
    lab.page.press(key=" ".join(["ArrowRight"] * len("alpha: ")))
    lab.page.press(key=" ".join(["Shift+ArrowRight"] * len("0.1")))
    lab.shoot(0.6)
    lab.write("0.02")
    lab.save()
    scenes.terminal.seen()
    scenes.terminal.clear()
    film.say("The whole change: four lines.")
    scenes.terminal.run("git diff --unified=0", hold=3)
    second = scenes.push(SECOND, "Commit and push, as before.")
    film.say(
        "Tested and trained like the first: the same workflow,\nthe same steps on the cluster. (Waiting is shortened.)"
    )
    _tested_and_submitted(scenes, second, f"development: {SECOND}", (4, 3))
    _cluster(scenes, 4)
    return second


def _promoted(scenes: Scenes, second: Watched) -> None:
    film = scenes.film
    film.chapter("5 of 5 · Promoted")
    film.say(
        "New model and champion were scored on the same test data.\n"
        "The new one is better in each metric. Now it is the champion."
    )
    film.poster = film.clock + 2
    _report(scenes, second, "second", 13)
    film.say("MLflow's registry: version 2 is the champion of development now.")
    _mlflow(scenes, mlflow_pages.model(scenes.stage.mlflow), "model", 6)
    film.say(
        "And the workflow proposes it for staging:\na pull request that says whether staging's gate would accept it."
    )
    (pull,) = scenes.stage.actions.repository.pulls
    where = f"{pull['head']['ref']} → {pull['base']['ref']}"
    note = "on the stand-in; not GitHub's own page"
    body = head(f"#{pull['number']}  {pull['title']}", note, where) + from_markdown(pull["body"])
    where = f"pull request {pull['number']}"
    film.note(where, f"{pull['title']}   ({note})\n\n{pull['body'].partition('<details>')[0]}")
    film.page(take(scenes.browser, "pull", body, scenes.picture("pull")), where, 8)
    film.say(
        "Merged: staging trains, with its own configuration, gate and champion.\n"
        "Then a pull request to production waits for a person."
    )
    merged = _merge(scenes, pull["number"])
    tested = merged.end_of("test")
    for span, seconds in (((merged.began, tested), 3), ((tested, merged.ended), 5)):
        run_page.play(film, scenes.browser, merged, span=span, seconds=seconds, title="staging: the merge")
    film.hold(1.5)


def _merge(scenes: Scenes, number: int) -> Watched:
    """Ada merges a pull request on the stand-in, and staging's workflow runs."""
    actions, github = scenes.stage.actions, scenes.world.github
    before = actions.repository.branches["staging"]
    request = urllib.request.Request(
        f"{github.api}/repos/{actions.full_name}/pulls/{number}/merge",
        data=b'{"merge_method": "merge"}',
        headers={"Authorization": f"Bearer {scenes.world.environ['GH_TOKEN']}"},
        method="PUT",
    )
    urllib.request.urlopen(request).close()
    (started,) = actions.start_pushed("staging", before)
    merged = watch(actions, started)
    assert merged.run.results["train"] == "success", merged.run.said()
    return merged


def _end(film: Film, data: str) -> str:
    left_out = "<li>Left out: the repository's own lint and tests, which each push runs.</li>\n" if DRAFT else ""
    return f"""<h1>That was it</h1>
<ul><li>Typed: <code>cp</code>, four lines of code, and twice <code>git commit</code> and <code>git push</code>.</li>
<li>Real: the workflow files, every step of the trainings, MLflow, the reports.</li>
<li>Stand-ins: GitHub and the Kubeflow API (both check every call with the original's own description),
act for GitHub Actions. None of it has run on github.com or on a cluster yet.</li>
<li>The data: {data}.</li>
{left_out}<li>Waiting: {film.waiting}.</li></ul>
<p>&nbsp;</p><p>Try it: <code>make demo</code>, or the tutorials in <code>docs/</code>.</p>"""
