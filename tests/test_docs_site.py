"""The site of the documentation: strict, every page is found, nothing comes from elsewhere, search knows the words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mlopsgen.constants import CANONICAL_TEMPLATE
from tests.once import once
from tools import diagrams, workflow_tools

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
KINDS = ("tutorials", "how-to", "reference", "explanation")
# Attributes by which a page fetches something; a link that a person may follow is none.
FETCHED = {
    ("link", "href"), ("a", "src"), ("image", "href"), ("image", "xlink:href"), ("use", "href"), ("use", "xlink:href"),
    *((tag, "src") for tag in ("script", "img", "iframe", "source", "video", "track", "embed", "audio", "input")),
    ("video", "poster"), ("source", "srcset"), ("img", "srcset"), ("object", "data"),
}  # fmt: skip
# What a reader types into the search, and a page that has to be among the first five answers.
SEARCHED = {
    "champion": "how-to/champion",
    "secret": "how-to/secrets",
    "kubeflow login": "how-to/kubeflow-login",
    "update many repositories": "how-to/sync-fleet",
    "conflict": "how-to/sync-conflicts",
    "self-hosted runner": "how-to/runner",
    "threshold": "how-to/champion",
    "cruft": "how-to/adopt",
    "zenml": "explanation/comparison",
    "promotion": "tutorials/promotion",
    "own data": "tutorials/own-data",
    "first model": "tutorials/first-model",
    "--dry-run": "reference/commands",
    "shell completion": "reference/commands",
    "webhook": "how-to/notify",
    "data_address": "reference/questions",
    "windows": "explanation/platforms",
    "exit code": "reference/exit-codes",
    "example report": "explanation/example",
    "token refused": "how-to/errors",
    "rights-missing": "how-to/errors",
    "troubleshooting": "how-to/errors",
    "concepts": "explanation/concepts",
    "install": "how-to/install",
    "uninstall mlopsgen": "how-to/install",
    "postgres": "how-to/data-sources",
    "retrain": "how-to/data-changes",
    "undo promotion": "how-to/champion",
    "monorepo": "how-to/several-models",
    "slack": "how-to/notify",
    "serve model": "how-to/use-model",
    "load model": "how-to/use-model",
    "int64 to float64": "how-to/use-model",
}
# Messages as they were printed, each with the line of the reference that says what to do.
TOOLS, REPOSITORYS = "reference/messages/tool#", "reference/messages/repository#"
PASTED = [
    (TOOLS, "the-folder-is-not-empty", "error: The folder /home/ada/wine is not empty."),
    (TOOLS, "it-has-not-been-said-where-to-push", "error: It has not been said where to push."),
    (TOOLS, "there-is-no-command", "There is no command 'mlopsgen psh'. Did you mean 'push'?"),
    (TOOLS, "the-template-would-run", "template v1.0.0 would run code of its own on this machine: the hook hooks/a.py"),
    (
        TOOLS,
        "failed-the-token-lacks-a-scope",
        "Pushing x failed: the token lacks a scope (it has: repo; one of these is",
    ),
    (REPOSITORYS, "there-is-no-column-the-target", "FAIL data 'a' There is no column 'qualty', the target."),
    (
        REPOSITORYS,
        "column-has-to-hold-numbers",
        "Column 'a' has to hold numbers, but row 17 after the header holds 'x'",
    ),
    (REPOSITORYS, "the-login-needs-which-is-not-set", "The login 'token' needs KUBEFLOW_TOKEN, which is not set."),
    (REPOSITORYS, "the-mlflow-store-cannot-be-used", "The MLflow store cannot be used: refused by ml.example.org:5000"),
]


class Page(HTMLParser):
    """What a page fetches, where it leads, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in FETCHED and not (tag == "link" and dict(attrs).get("rel") in {"next", "prev", "index"}):
                self.fetched.append(value or "")
            elif tag == "a" and name == "href":
                self.links.append(value or "")
            elif name == "id":
                self.anchors.add(value or "")


def build(folder: Path, source: Path = DOCS) -> tuple[Path, subprocess.CompletedProcess[str]]:
    target = folder / "site"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(source), str(target)],
        cwd=ROOT, env=os.environ | {"HOME": str(folder)}, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return target, done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    return once(tmp_path_factory, "docs-site", build)


@pytest.fixture(scope="module")
def pages(built: tuple[Path, subprocess.CompletedProcess[str]]) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(built[0].rglob("*.html"))}


def inside(page: Path, address: str) -> tuple[Path, str] | None:
    """The file and the anchor that an address of a page means; nothing where it leads elsewhere."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    path = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
    return path, unquote(parts.fragment)


def test_it_builds_without_a_single_warning(built):
    done = built[1]
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_fetched_from_elsewhere(built, pages):
    strangers = {
        f"{path.name}: {one}" for path, page in pages.items() for one in page.fetched if inside(path, one) is None
    }
    assert {one for one in strangers if "data:" not in one} == set()
    for path in built[0].rglob("*"):
        if path.suffix in {".css", ".svg"}:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"""(?:url\(\s*["']?|@import\s+["']|href=["'])(?:https?:)?//""", text), path
        elif path.suffix == ".js":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"""(?:import|fetch|importScripts)\s*\(\s*["'`](?:https?:)?//""", text), path


def test_every_link_and_picture_leads_to_something(pages):
    wrong = []
    for path, page in pages.items():
        for address in [*page.fetched, *page.links]:
            found = inside(path, address)
            if found is None or path.name in {"search.html", "genindex.html"}:
                continue
            target, anchor = found
            known = pages.get(target)
            if not target.exists() or (anchor and known is not None and anchor not in known.anchors):
                wrong.append(f"{path.name}: {address}")
    assert wrong == []


def test_every_page_is_found_from_the_landing_page(built, pages):
    start = built[0] / "index.html"
    seen, left = {start}, [start]
    while left:
        path = left.pop()
        for address in pages[path].links:
            found = inside(path, address)
            if found is not None and found[0] in pages and found[0] not in seen:
                seen.add(found[0])
                left.append(found[0])
    assert {path.name for path in pages if path not in seen} - {"search.html", "genindex.html"} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_says_what_its_pages_are_for_as_github_shows_it(kind):
    text = (DOCS / kind / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w-]+)\.md\)", text))
    assert {path.stem for path in (DOCS / kind).glob("*.md")} - {"index"} == linked


def test_the_search_finds_the_page_that_readers_mean(built):
    found = {query: [page for page, _ in places[:5]] for query, places in searched(built[0], *SEARCHED).items()}
    assert {query: found[query] for query, page in SEARCHED.items() if page not in found[query]} == {}


def test_a_message_that_is_pasted_into_the_search_leads_to_its_next_step(built, pages):
    found = searched(built[0], *(message for *_, message in PASTED))
    for page, anchor, message in PASTED:
        place = "".join(found[message][0])
        assert place.startswith(page + anchor), message
        assert place.rpartition("#")[2] in pages[built[0] / f"{page[:-1]}.html"].anchors


@pytest.mark.parametrize("query", ["champion qwrtzpsdf", "champion powershell"])
def test_a_word_too_many_does_not_hide_what_the_others_find(built, query):
    (found,) = searched(built[0], query).values()
    assert "how-to/champion" in [page for page, _ in found]


def test_a_long_page_begins_with_its_contents(built):
    begun = {
        page: '<details class="on-this-page">' in (built[0] / f"{page}.html").read_text(encoding="utf-8")
        for page in ("reference/output", "explanation/comparison", "how-to/errors", "how-to/trust")
    }
    assert begun == {page: page != "how-to/trust" for page in begun}


def searched(site: Path, *queries: str) -> dict[str, list[list[str]]]:
    script = Path(__file__).with_name("site_search.js")
    command = [str(workflow_tools.node()), str(script), str(site), *queries]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    found: dict[str, list[list[str]]] = json.loads(done.stdout)
    return found


def test_the_search_needs_no_server(built):
    page = (built[0] / "search.html").read_text(encoding="utf-8")
    scripts = re.findall(r'<script[^>]*src="([^"?]+)', page)
    assert "searchindex.js" in scripts  # a script is read from a folder as well; a fetch is refused there
    assert [one for one in scripts if not (built[0] / one).is_file()] == []


def test_pictures_follow_the_switch_between_light_and_dark(built):
    text = (built[0] / "index.html").read_text(encoding="utf-8")
    light, dark = (len(re.findall(rf'<img[^>]*class="[^"]*only-{mode}', text)) for mode in ("light", "dark"))
    assert light == dark > 2
    assert "<picture" not in text
    assert '<svg role="img" aria-label="' in text  # a diagram stands in the page, where the page's colours reach it


def relative_links(text: str) -> Iterator[str]:
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'(?:src|srcset|href)="([^"]+)"', text)


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/README.md", "example/README.md",
     "example-generated-repo/README.md", "videos/README.md"],
)  # fmt: skip
def test_links_of_pages_beside_the_documentation_lead_to_something(page, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    from repository_links import anchors  # noqa: PLC0415 - found through the path above

    path = ROOT / page
    wrong = []
    for link in relative_links(path.read_text(encoding="utf-8")):
        found = inside(path, link)
        if found is None:
            continue
        target, anchor = found
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_what_is_wrong_in_a_page_ends_the_build(tmp_path):
    root = tmp_path / "project"
    docs = root / "docs"
    docs.mkdir(parents=True)
    (root / "LICENSE").write_text("Words.\n", encoding="utf-8")
    (root / "README.md").write_text("# Use it\n", encoding="utf-8")
    (docs / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(DOCS / '_ext')!r})\n"
        "extensions = ['myst_parser', 'pictures', 'repository_links']\nmyst_heading_anchors = 4\n",
        encoding="utf-8",
    )
    (docs / "orphan.md").write_text("# Orphan\n", encoding="utf-8")
    right = "[a](../LICENSE) [b](../README.md#use-it) [c](..)"
    wrong = (
        "[d](../nothing.md) [e](../README.md#nothing) [f](other.md) [g](#nowhere) [h](../../../etc/passwd) ![i](no.png)"
    )
    (docs / "index.md").write_text(f"# Site\n\n{right}\n\n{wrong}\n", encoding="utf-8")
    site, done = build(tmp_path, docs)
    assert done.returncode != 0
    for said in ("nothing.md", "has no heading '#nothing'", "other.md", "nowhere", "etc/passwd", "no.png", "orphan.md"):
        assert said in done.stderr
    links = Page((site / "index.html").read_text(encoding="utf-8")).links
    for leads in ("/blob/main/LICENSE", "/blob/main/README.md#use-it", "/tree/main"):
        assert CANONICAL_TEMPLATE + leads in links


def test_drawings_are_of_their_text_and_stand_in_a_page():
    assert diagrams.stale() == [], "run 'make diagrams'"
    text = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    assert [path.name for path in diagrams.FOLDER.glob("*.svg") if f"diagrams/{path.name})" not in text] == []


def test_pictures_are_small_used_and_whole():
    text = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *DOCS.rglob("*.md")])
    for path in (DOCS / "pictures").iterdir():
        assert path.stat().st_size < 150_000, f"{path.name} is large"
        assert f"pictures/{path.name}" in text, f"{path.name} stands on no page"
        if path.suffix == ".svg":
            assert "cdn" not in path.read_text(encoding="utf-8")
