"""The three files of a report: complete, readable everywhere, and safe whatever the names are."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_cases import HOSTILE, NOTHING, classes, decision, failed, history, hostile, metric, regression, report, run

from helpers.records import Evaluation, Report
from helpers.report import html, markdown, terminal_lines, write_report

SOURCES = Path(__file__).resolve().parents[2] / "src"
VOID = {"br", "img", "meta", "source", "hr", "link"}

CASES: dict[str, tuple[Report, Evaluation | None]] = {
    "improved": (report(), regression()),
    "refused": (report(decision=decision("regressed", passed=False), promoted=False), regression()),
    "first": (report(decision=decision("first", baseline=NOTHING, metrics=[metric(baseline=None)]), history=[]), None),
    "failed": (failed(), None),
    "binary": (report(), classes(2)),
    "twelve classes": (report(), classes(12)),
    "hostile": hostile(),
    "bare": (report(data=[], parameters={}, steps=[], history=[], environment={}, addresses={}, model=None), None),
}


class Page(HTMLParser):
    """What is in a page, and whether every element is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(params=CASES, ids=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[Report, Evaluation | None]:
    return CASES[request.param]


def test_writes_three_files_that_replace_older_ones(case: tuple[Report, Evaluation | None], tmp_path: Path) -> None:
    found, evaluation = case
    folder = tmp_path / "a new folder"
    write_report(report(project="older"), None, folder)
    written = write_report(found, evaluation, folder)
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    assert names == ["report.html", "report.json", "report.md"]
    assert written == {kind: folder / f"report.{kind}" for kind in ("html", "md", "json")}
    again = Report.model_validate_json(written["json"].read_text(encoding="utf-8"))
    assert again.model_dump_json() == found.model_dump_json()


def test_plots_lie_beside_the_report_with_their_words(tmp_path: Path) -> None:
    found, evaluation = CASES["binary"]
    write_report(*CASES["twelve classes"], tmp_path)
    write_report(found, evaluation, tmp_path)
    plots = [path.read_text(encoding="utf-8") for path in sorted((tmp_path / "plots").iterdir())]
    titles = [title for plot in plots for title in re.findall("<svg[^>]*><title>(.*?)</title><desc>.+?</desc>", plot)]
    assert len(titles) == len(plots) == len(set(titles)) > 2
    assert "Confusion matrix" in titles and "ROC curve" in titles


def test_page_stands_alone_and_is_accessible(case: tuple[Report, Evaluation | None]) -> None:
    page = Page(html(*case))
    assert page.open == []
    assert not page.all("script", "iframe", "object", "embed", "link", "form", "base")
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    addresses = [attributes.get(name, "") for _, attributes in page.elements for name in ("src", "srcset")]
    assert all(address.startswith("data:image/svg+xml;base64,") for address in addresses if address)
    assert all(re.match(r"https?://", attributes["href"]) for attributes in page.all("a"))
    assert all(attributes["alt"] for attributes in page.all("img"))
    assert all(attributes["scope"] in ("row", "col") for attributes in page.all("th"))
    assert [attributes["lang"] for attributes in page.all("html")] == ["en"]
    assert len(page.all("h1")) == 1


def test_page_and_summary_are_small(case: tuple[Report, Evaluation | None]) -> None:
    assert len(html(*case).encode()) < 400_000
    assert len(markdown(*case).encode()) < 65_000


def test_same_report_is_the_same_text(case: tuple[Report, Evaluation | None]) -> None:
    assert html(*case) == html(*case)


def test_answers_come_in_their_order() -> None:
    for text in (Page(html(report(), regression())).text, markdown(report(), regression())):
        wanted = (
            "Accepted",
            "is now the champion",
            "Metric",
            "Like with like",
            "Earlier runs",
            "diabetes.csv",
            "8c1f0a94be3d2",
            "seed",
        )
        places = [text.index(word) for word in wanted]
        assert places == sorted(places)


def test_metrics_are_shown_with_change_direction_and_limit() -> None:
    text = Page(html(report(), None)).text
    for words in (
        "54.55",
        "58.40",
        "\u2193 better",
        "\u22123.85 (\u22126.6 %)",
        "at most 80",
        "lower is better",
        "pass",
    ):
        assert words in text
    row = next(line for line in markdown(report()).splitlines() if line.startswith("| rmse"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "rmse (lower is better)",
        "**54.55**",
        "58.40",
        "\u2193 \u22123.85 (\u22126.6 %) better",
        "at most 80, not worse",
        "\u2713 pass",
    ]


def test_metrics_that_the_gate_does_not_judge_are_told_once() -> None:
    evaluation = regression().model_copy(
        update={"metrics": {"rmse": 53.5, "mae": 42.8, "r2": 0.454}, "baseline_metrics": {"rmse": 54.0, "mae": 43.25}}
    )
    sentence = "Also measured: mae 42.80 (was 43.25), r2 0.4540."
    assert sentence in html(report(), evaluation)
    assert sentence in markdown(report(), evaluation)
    assert "Also measured" not in html(report(), None)


def test_failed_run_says_the_next_step_first() -> None:
    for text in (Page(html(failed(), None)).text, markdown(failed())):
        assert text.index("Correct row 17.") < text.index("Row 17 of column age says")
        assert "validate-data" in text
        assert "Accepted" not in text


def test_first_run_has_nothing_beside_it() -> None:
    found, _ = CASES["first"]
    text = Page(html(found, None)).text
    assert "The first model of this branch" in text
    assert "Champion" not in text.split("Required")[0]
    assert "There is no earlier model on this branch" in text


@pytest.mark.parametrize(
    ("evaluation", "titles"),
    [
        (regression(), ["Predicted against actual", "Residuals"]),
        (classes(2), ["Confusion matrix", "ROC curve", "Precision and recall"]),
        (classes(12), ["Confusion matrix", "ROC curve", "Precision and recall"]),
        (classes(3).model_copy(update={"scores": []}), ["Confusion matrix"]),
        (regression(rows=1), []),
        (classes(3, rows=0), []),
    ],
)
def test_plots_fit_the_task(evaluation: Evaluation, titles: list[str]) -> None:
    text = html(report(), evaluation)
    every = ["Predicted against actual", "Residuals", "Confusion matrix", "ROC curve", "Precision and recall"]
    assert [title for title in every if f"<h3>{title}</h3>" in text] == titles


def test_history_is_a_plot_and_a_table() -> None:
    page = Page(html(report(), None))
    (plot,) = page.all("img")
    assert plot["alt"].startswith("rmse over 7 runs: from 66.00 to 54.55, best 54.55. Champions: 65.00, 61.00, 54.55")
    assert "this run" in page.text
    assert "refused" in page.text


def test_hostile_names_stay_text() -> None:
    page = Page(html(*hostile()))
    assert "<script>alert('x')</script>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert not re.search("[\x00\x1b\u202e]", html(*hostile()))


def test_hostile_names_do_not_break_the_summary() -> None:
    text = markdown(*hostile())
    outside = re.sub(r"(?<!\\)`[^`\n]*`", "", text)
    assert not re.search(r"(?<!\\)<(script|img|/style)", outside)
    assert not re.search(r"@team", outside)
    assert not re.search("[\x00\x1b\u202e]", text)
    assert "\n# heading" not in text
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("| ")]
    assert set(cells) <= {3, 4, 5, 6, 7, 8}
    for block in re.findall(r"(?:^\| .*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_terminal_lines_are_few_and_end_with_the_path(case: tuple[Report, Evaluation | None]) -> None:
    lines = terminal_lines(case[0], Path("runs") / "report.html")
    assert len(lines) <= 14
    assert lines[-1].split() == ["report:", str(Path("runs") / "report.html")]
    assert not [line for line in lines if re.search("[\x00-\x1f]", line)]


def test_terminal_lines_of_an_accepted_run() -> None:
    assert terminal_lines(report(), "report.html") == [
        "\u2713 Accepted: better than the champion",
        "  rmse  54.55  champion 58.40  \u2193 \u22123.85 (\u22126.6 %) better  pass",
        "  Version 5 is now the champion of development.",
        "  It was version 4 before.",
        "  report: report.html",
    ]


def test_this_run_is_not_counted_twice() -> None:
    twice = [*history(), history()[0].model_copy(update={"run_id": run().id})]
    assert html(report(history=twice), None) == html(report(), None)


def test_writing_a_report_imports_no_library_for_numbers_or_plots() -> None:
    heavy = "{'matplotlib', 'numpy', 'pandas', 'mlflow', 'kfp', 'sklearn'}"
    program = f"import sys, helpers.report as r; r.html; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCES)}
    )
    assert found.stdout.strip() == "[]"


def test_the_test_names_are_really_hostile() -> None:
    assert HOSTILE in hostile()[0].project
