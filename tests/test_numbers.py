"""Numbers that pages tell are those of the code; what is measured or counted elsewhere is not among them."""

from __future__ import annotations

import ast
import fnmatch
import inspect
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml

from mlopsgen.adapters import child_frame, cookiecutter_child, template_child
from mlopsgen.answers import BY_KEY
from mlopsgen.constants import MINIMUM_GIT
from mlopsgen.forge.github import pace, sealing
from mlopsgen.forge.protocol import Forge
from mlopsgen.forge.worker import journal, pythons
from mlopsgen.operations import fleet, hosted_plan
from mlopsgen.secret_value import SHORTEST
from tests import in_process

ROOT = Path(__file__).resolve().parents[1]
HELPERS = ROOT / "template" / "src" / "helpers"
WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
WORDS_OF_LARGER = {20: "twenty"}
PAGES = [
    page
    for folder in ("docs", "docs/how-to", "docs/explanation", "docs/tutorials", "template/docs", ".")
    for page in sorted((ROOT / folder).glob("*.md"))
]


def constant(file: str, name: str) -> float:
    """A number that stands at the top of a helper, which needs kfp to be imported."""
    tree = ast.parse((HELPERS / file).read_text(encoding="utf-8"))
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [name]
    ]
    assert len(values) == 1, (file, name)
    value = values[0]
    if isinstance(value, ast.BinOp):
        left, right = ast.literal_eval(value.left), ast.literal_eval(value.right)
        assert isinstance(value.op, ast.LShift | ast.Mult)
        return float(left << right if isinstance(value.op, ast.LShift) else left * right)
    return float(ast.literal_eval(value))


def default(file: str, name: str) -> float:
    """The default of a field of a pydantic model."""
    text = (HELPERS / file).read_text(encoding="utf-8")
    found = re.findall(rf"^    {name}: [^=]+= Field\(\s*default=([0-9.]+)", text, re.MULTILINE)
    assert len(found) == 1, (file, name)
    return float(found[0])


MB, GB = 2**20, 2**30
PER_HOUR = next(count for count, seconds in pace.WRITES if seconds == 3600)
SILENCE = 3 * constant("ssh_client.py", "ALIVE_SECONDS")
FORGE = [name for name, _ in inspect.getmembers(Forge, inspect.isfunction) if not name.startswith("_")]

NEWEST, OLDEST = pythons.SUPPORTED[0], pythons.SUPPORTED[-1]
SANDBOX = (
    f"take {template_child.SECONDS:.0f} seconds, {child_frame.MEMORY // GB} GB of memory and "
    f"{child_frame.FILE // MB} MB for a file, and a cookiecutter template {cookiecutter_child.TOTAL // MB} MB in all"
)
HOSTED = f"{constant('kubeflow_wait.py', 'HOSTED_HOURS'):.1f} hours are the most"
OWN_MACHINES = f"{constant('kubeflow_wait.py', 'SELF_HOSTED_HOURS'):.0f}"
WHOLE = f"{constant('data/checking.py', 'WHOLE_BYTES') / MB:.0f} MB"
CHEAP = f"{constant('data/place.py', 'CHEAP_BYTES') / MB:.0f} MB"
ROWS = default("sources.py", "minimum_rows")
ATTEMPTS = default("actions/rules.py", "attempts")

SENTENCES = [
    ("docs/explanation/templates.md", SANDBOX),
    ("docs/explanation/templates.md", f"After {template_child.TRUSTED_SECONDS / 60:.0f} minutes it is ended"),
    ("docs/explanation/security.md", f"Secrets shorter than {WORDS[SHORTEST]} characters"),
    ("docs/explanation/security.md", f"in the local forge's logs, shorter than {WORDS[journal._SHORTEST_MASKED]}."),
    ("docs/reference/github.md", f"shorter than {WORDS[SHORTEST]} characters"),
    ("docs/reference/github.md", f"{pace.WRITES[0][0]} writes a minute"),
    (
        "docs/reference/github.md",
        f"sizes ({sealing.LARGEST // 1024} KB)",
    ),
    ("docs/reference/github.md", f"numbers ({sealing.SECRETS_PER_PLACE} in a place)"),
    ("docs/explanation/local-forge.md", f"the nearest of {OLDEST} to {NEWEST} that is there"),
    ("template/README.md.jinja", f"({OLDEST} to {NEWEST} work)"),
    ("docs/explanation/local-forge.md", f"shorter than {WORDS[journal._SHORTEST_MASKED]} characters are not masked"),
    ("docs/explanation/github.md", f"the last {WORDS_OF_LARGER[hosted_plan._VERSIONS]} versions of the documents"),
    ("docs/explanation/architecture.md", f"A forge has {WORDS[len(FORGE)]} operations"),
    ("docs/explanation/updates.md", f"{PER_HOUR} changes an hour"),
    ("docs/how-to/sync-fleet.md", f"at most {PER_HOUR} an hour"),
    ("docs/explanation/benchmarks.md", f"works on {WORDS[fleet.JOBS]} repositories at once"),
    ("docs/explanation/benchmarks.md", f"GitHub lets through {PER_HOUR} changes an hour"),
    ("docs/how-to/check-first.md", f"more than {WHOLE} of data"),
    ("template/data/README.md", f"more than {WHOLE} it reads"),
    ("template/data/README.md", f"up to {CHEAP} decides"),
    ("docs/how-to/data-changes.md", f"up to {CHEAP} of content decide"),
    ("template/data/README.md", f"fewer usable rows than this are an error ({ROWS:.0f})"),
    ("docs/how-to/kubeflow-ci.md", HOSTED),
    ("template/docs/kubeflow.md", f"{HOSTED}, on self-hosted ones {OWN_MACHINES}"),
    ("template/docs/kubeflow.md", f"is looked at ({default('kubeflow_config.py', 'poll_seconds'):.0f})"),
    ("template/docs/kubeflow.md", f"given up ({default('kubeflow_config.py', 'patience_minutes'):.0f})"),
    ("template/docs/kubeflow.md", f"1, 2, 4 ... {constant('ssh_tunnel.py', 'LONGEST_PAUSE'):.0f} seconds"),
    ("template/docs/kubeflow.md", f"silent for {SILENCE:.0f} seconds"),
    ("template/docs/actions.md", f"`attempts` ({ATTEMPTS:.0f})"),
    ("template/docs/actions.md", f"`timeout` ({default('actions/rules.py', 'timeout'):.0f} s for one answer)"),
    ("template/docs/actions.md", f"at most {constant('actions/rules.py', 'MOST_PAYLOAD_KEYS'):.0f} keys"),
    ("docs/how-to/notify.md", f"is tried {WORDS[int(ATTEMPTS)]} times"),
]


@pytest.mark.parametrize(("page", "sentence"), SENTENCES, ids=lambda each: each[-40:])
def test_a_limit_that_a_page_tells_is_that_of_the_code(page: str, sentence: str) -> None:
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert sentence in text


def test_pages_ask_for_the_oldest_git_and_python_that_work() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {"git": ".".join(map(str, MINIMUM_GIT)), "Python": project["requires-python"].removeprefix(">=")}
    named = re.compile(r"\b(git|Python) \(?([0-9]+\.[0-9]+)(?= or newer|, Python| and make|\.$)", re.MULTILINE)
    said = [(page.name, *found) for page in PAGES for found in named.findall(page.read_text(encoding="utf-8"))]
    assert len(said) >= 8
    assert [each for each in said if each[2] != wanted[each[1]]] == []


def test_pages_count_the_files_that_init_makes(environ: dict[str, str], tmp_path: Path) -> None:
    done = in_process.mlopsgen("init", "wine", "--defaults", cwd=tmp_path, environ=environ)
    assert done.returncode == 0, done.stderr
    made = [path.relative_to(tmp_path / "wine") for path in (tmp_path / "wine").rglob("*") if path.is_file()]
    made = [path for path in made if path.parts[0] != ".git"]
    folders = Counter(path.parts[0] for path in made)
    # Of a repository by hand with a Makefile: that stays, and the record comes besides.
    adopted = (ROOT / "docs/how-to/adopt.md").read_text(encoding="utf-8")
    assert f"New files ({len(made) - 2})" in adopted
    assert f"{len(made) - 2} files come, 1 of yours stays" in adopted
    for folder in (".github", "src"):
        assert f"+ {folder}/  ({folders[folder]} files)" in adopted
    assert f"done: {len(made)} files" in (ROOT / "docs/tutorials/own-data.md").read_text(encoding="utf-8")
    page = (ROOT / "docs/explanation/example.md").read_text(encoding="utf-8")
    shown = len(set(re.findall(r"\.\./example/overlay/[\w./-]+", page)))
    assert f"about {round(len(made), -1)} files these {WORDS[shown]}" in page


def test_the_lists_that_a_page_counts_are_as_long() -> None:
    tutorials = len(list((ROOT / "docs/tutorials").glob("*.md"))) - 1
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n- {WORDS[tutorials].capitalize()} tutorials, from" in changes
    design = (ROOT / "docs/explanation/design.md").read_text(encoding="utf-8")
    decisions = len(re.findall(r"^[0-9]+\. \*\*", design, re.MULTILINE))
    assert f"{WORDS[decisions].capitalize()} decisions hold" in design
    actions = re.findall(r"^[^#\s].*:$", (ROOT / "tools/actions.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    for page in ("CONTRIBUTING.md", "docs/explanation/workflows.md", "docs/explanation/proof.md"):
        assert re.search(rf"\b{WORDS[len(actions)]} actions\b", (ROOT / page).read_text(encoding="utf-8")), page


def test_what_the_example_reached_is_the_same_on_each_page() -> None:
    """What it reached is measured by a test that trains (tests/test_example.py) and reads the first of these pages."""
    told = (ROOT / "example/overlay/docs/wine.md").read_text(encoding="utf-8")
    told += (ROOT / "example/improvement.patch").read_text(encoding="utf-8")
    page = (ROOT / "docs/explanation/example.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [a-z ]+ \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \|$", page, re.MULTILINE)
    assert len(rows) == 2
    assert all(f"| {' | '.join(row)} |" in told for row in rows)
    wines = re.search(r"on the same ([0-9]+) wines", page)
    assert wines
    assert f"on the {wines[1]} wines" in told
    short = (ROOT / "example/README.md").read_text(encoding="utf-8")
    (rmse, _, r2), (better_rmse, _, better_r2) = rows
    assert f"`rmse` falls from {rmse} to {better_rmse}, `r2` rises from {r2} to {better_r2}" in short
    assert f"on the same {wines[1]} wines" in short
    sources = yaml.safe_load((ROOT / "example/overlay/data/sources.yaml").read_text(encoding="utf-8"))["sources"][
        "wine"
    ]
    assert f"at least {sources['minimum_rows']:,} rows, at most {sources['maximum_size']} |" in page


def test_the_tests_that_pages_name_are_there() -> None:
    places = ("", "tests/", "tests/act/", "template/", "template/tests/", "template/tests/managed/")
    trees = (ROOT / "tests", ROOT / "template" / "tests")
    there = [path.relative_to(ROOT).as_posix() for tree in trees for path in tree.rglob("*")]
    gone, seen = [], 0
    for page in (*PAGES, *sorted((ROOT / "docs" / "adr").glob("*.md"))):
        if page.is_relative_to(ROOT / "template"):  # what is named there lies in a generated repository
            continue
        for name in re.findall(r"`((?:template/)?(?:tests/[^\s`]+|test_[^\s`]+))`", page.read_text(encoding="utf-8")):
            seen += 1
            path = re.sub(r"^(.*/)?(test_[a-z_0-9]+)$", r"\1\2.py", name.partition("::")[0])
            if not any(fnmatch.filter(there, f"{place}{path}".rstrip("/")) for place in places):
                gone.append((page.name, name))
    assert seen > 150, seen
    assert gone == []


def test_what_a_training_takes_on_disk_is_the_same_on_each_page() -> None:
    said = [size for page in PAGES for size in re.findall(r"([^ (]+ [0-9]+ MB) on disk", page.read_text("utf-8"))]
    assert len(said) == 3
    assert set(said) == {"about 800 MB"}  # measured: the environment 750, what installs it 60


def test_every_python_that_is_answered_is_one_that_the_forge_looks_for() -> None:
    assert sorted(BY_KEY["python_version"].choices) == sorted(pythons.SUPPORTED)


def test_artifacts_are_kept_as_long_as_the_page_says() -> None:
    workflow = (ROOT / "template/_includes/branch-workflow.yml.jinja").read_text(encoding="utf-8")
    kept = re.findall(r"name: (report|package|store)-.*?retention-days: ([0-9]+)", workflow, re.DOTALL)
    page = (ROOT / "template/docs/workflows.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(report|package|store)-<branch>` \|.*\| ([0-9]+) days", page, re.MULTILINE)
    assert kept == told
    assert len(told) == 3
