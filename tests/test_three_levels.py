"""Three levels of merges, replayed: ours, an organisation's template and a project; nobody loses a line.

Ours is made as a package carries it, the organisation's by ``config-repo create`` and ``update`` with real merges, the
project by ``sync``. Each writes lines that are like no other's; what each one finds in the end is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlopsgen.adapters.templates import open_template
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import ExitCode
from mlopsgen.question_set import LockedAnswer
from mlopsgen.sync.record import read_record
from mlopsgen.sync.start import Given
from mlopsgen.sync.values import Why
from tests.config_toys import NEWEST, Acme, Upstream
from tests.merge_histories import Edit, File, State, edited, edits, start
from tests.merge_toys import Owner
from tests.organisation_toys import NEVER, OWN, ROOT

RECORD = "template/[[ _copier_conf.answers_file ]].jinja"
CLASSES = "version: 1\nseeded: [/seed/]\nmanaged: [/man/]\n"
ENVOPS = '_envops: {variable_start_string: "[[", variable_end_string: "]]"}\n'
TOY = {
    "copier.yml": f"_subdirectory: template\n{ENVOPS}name: {{type: str, default: wine}}\n# - The end.\n# - Yours:\n",
    "sync.yaml": CLASSES,
    RECORD: "[[ _copier_answers | to_nice_yaml -]]\n",
}
PATHS = ("a.txt", "b.txt", "dir/c.txt", "seed/s.txt", "man/m.txt")
KINDS = ("insert", "insert", "replace", "delete", "add", "remove")
VERSIONS = ("v0.0.9", "v0.1.0", NEWEST)
STEPS = edits(PATHS, KINDS, most=5)
Lines = frozenset[str]


def placed(state: State, before: State | None = None) -> dict[str, str | None]:
    """Files of a template; what is not there any more is ``None``."""
    gone = {path: None for path in before or {} if path not in state}
    return {f"template/{path}": text for path, text in {**texts(state), **gone}.items()}


def texts(state: State) -> dict[str, str]:
    return {path: file.content.decode() for path, file in state.items()}


def read(folder: Path) -> dict[str, File]:
    """The files below a folder, but for git's and the record."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    files = {path.relative_to(folder).as_posix(): path for path in paths}
    return {
        name: File(tuple(path.read_text(encoding="utf-8").splitlines()))
        for name, path in files.items()
        if name != ANSWERS_FILE and not name.startswith("[[")
    }


def lines(state: State, *, below: Sequence[str] = ("",)) -> Lines:
    """Every line of the files whose names begin so."""
    return frozenset(line for path, file in state.items() if path.startswith(tuple(below)) for line in file.lines)


def unmarked(state: State) -> dict[str, File]:
    """What a person makes of conflicts who keeps both sides."""
    marks = ("<<<<<<< ", "=======", ">>>>>>> ", "||||||| ")
    return {
        path: File(tuple(line for line in file.lines if not line.startswith(marks))) for path, file in state.items()
    }


def written(folder: Path, state: State) -> None:
    """Make the files of a folder these."""
    for path in read(folder):
        (folder / path).unlink()
    for path, file in state.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)


class Organisation:
    """Acme's template, and what Acme took out of it on purpose."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self.acme = Acme(folder / "mlops-config", upstream, VERSIONS[0])
        self.removed: Lines = frozenset()
        self.top = self.acme.path / "template"

    def work(self, steps: Sequence[Edit], who: str) -> None:
        """Acme edits."""
        before = read(self.top)
        after = edited(before, steps, who)
        self.removed |= lines(before) - lines(after)
        written(self.top, after)
        self._commit("Acme's work")

    def take(self, version: str) -> None:
        """Acme merges a version of ours; where git cannot, somebody keeps both sides."""
        done = self.acme.update(version)
        if done.exit_code is ExitCode.PARTIAL:
            written(self.top, unmarked(read(self.top)))
            self._commit("Both")
        self.acme.git.run("switch", "--quiet", "main")
        self.acme.git.run("merge", "--quiet", "--ff-only", str(done.data["branch"]))

    def release(self, version: str) -> None:
        """Acme releases."""
        self.acme.git.run("tag", version)

    def _commit(self, message: str) -> None:
        self.acme.git.run("add", "--all")
        self.acme.git.run("commit", "--quiet", "--allow-empty", "--message", message)


class Project(Owner):
    """A project of Acme's, and what its people took out on purpose."""

    def __init__(self, folder: Path, organisation: Organisation) -> None:
        self.organisation = organisation
        self.removed: Lines = frozenset()
        self.told = ""
        environ = organisation.acme.environ
        template = open_template(str(organisation.acme.path), environ, given=True)
        super().__init__(folder / "project", template, environ, answers={})

    def work(self, steps: Sequence[Edit], who: str) -> None:
        """Its people edit."""
        before = read(self.root)
        after = edited(before, steps, who)
        self.removed |= lines(before) - lines(after)
        written(self.root, after)
        self.commit()

    def sync(self) -> None:
        """Its people take Acme's newest version; where git cannot, they keep both sides."""
        acme = self.organisation.acme
        self.template = open_template(str(acme.path), acme.environ, given=True)
        self.renders._template = self.template
        before = read(self.root)
        done = self.update()
        self.told += "".join(note.diff for note in done.update.notes if note.why is Why.EDITED)
        self.take(done)
        if done.update.conflicts:
            written(self.root, unmarked(read(self.root)))
            self.commit("Both")
        seeded = {path: file for path, file in before.items() if path.startswith("seed/")}
        assert {path: read(self.root)[path] for path in seeded} == seeded
        assert self.update().update.is_empty


@st.composite
def histories(draw: st.DrawFn) -> dict[str, list[Edit]]:
    """Who does what, one after the other."""
    whos = ("ours 1", "ours 2", "acme 0", "acme 1", "acme 2", "project 0", "project 1")
    return {who: draw(STEPS) for who in whos}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories())
def test_nobody_loses_a_line(tmp_path_factory: pytest.TempPathFactory, history: Mapping[str, list[Edit]]) -> None:
    folder = tmp_path_factory.mktemp("levels")
    first = start(PATHS)
    second = edited(first, history["ours 1"], "ours1")
    third = edited(second, history["ours 2"], "ours2")
    upstream = Upstream(
        folder / "ours",
        {VERSIONS[0]: {**TOY, **placed(first)}, VERSIONS[1]: placed(second, first)},
        placed(third, second),
    )
    acme = Organisation(folder, upstream)
    acme.work(history["acme 0"], "acme0")
    acme.release("v1.0.0")
    project = Project(folder, acme)
    project.work(history["project 0"], "project0")
    own = lines(read(project.root))
    for number, version in enumerate(VERSIONS[1:], 1):
        acme.take(version)
        acme.work(history[f"acme {number}"], f"acme{number}")
        acme.release(f"v1.{number}.0")
        project.sync()
        if number == 1:
            project.work(history["project 1"], "project1")
            own |= lines(read(project.root))

    theirs, mine = read(acme.top), read(project.root)
    # Ours arrives at Acme, Acme's stays.
    assert lines(third) - lines(theirs) <= acme.removed
    # Acme's arrives in the project, but for what is seeded; what the project took out stays out, and is its own matter.
    kept = {path: file for path, file in theirs.items() if not path.startswith("seed/") and path in mine}
    assert lines(kept) - lines(mine) <= project.removed
    assert {path: theirs[path] for path in kept if path.startswith("man/")} == {
        path: mine[path] for path in kept if path.startswith("man/")
    }
    # What the project wrote is there; in a managed file it was replaced, and said.
    wrote = {line for line in own if line.startswith("project")} - project.removed
    lost = wrote - lines(mine)
    assert all("man/" in line and line in project.told for line in lost)


QUESTIONS = (ROOT / "copier.yml").read_text(encoding="utf-8")
NEW = "review_wait_minutes"


def without(text: str, key: str) -> str:
    """Our questions before one of them came."""
    found = "\n\n".join(block for block in text.split("\n\n") if not block.startswith(f"{key}:"))
    assert found != text
    return found


def test_questions_locks_and_presets_go_through_all_three(tmp_path: Path) -> None:
    """Ours asks something new, Acme presets it, asks something of its own and locks more; a project follows."""
    readme = "# [[ project_name ]]\n\nAbout it.\n\nThe end.\n"
    shown = {RECORD: "[[ _copier_answers | to_nice_yaml -]]\n", "template/README.md.jinja": readme}
    older = without(QUESTIONS, "template_update")
    upstream = Upstream(
        tmp_path / "ours",
        {"v0.1.0": {"copier.yml": older, "sync.yaml": "version: 1\n", **shown}},
        {"copier.yml": QUESTIONS, "template/README.md.jinja": readme.replace("About it", "About it, by ours")},
    )
    acme = Acme(tmp_path / "mlops-config", upstream, "v0.1.0")
    decided = "version: 1\nname: acme\nrelease: 1.0.0\nlocked:\n  license: mit\n"
    acme.commit({
        "copier.yml": older + OWN, "organisation.yaml": decided,
        "template/README.md.jinja": readme.replace("The end", "Paid by [[ cost_centre ]], under [[ license ]]"),
    })  # fmt: skip
    acme.git.run("tag", "v1.0.0")
    template = open_template(str(acme.path), acme.environ, given=True)
    asked = template.questions("v1.0.0")
    told = {"slug": "wine", "project_name": "Wine", "visibility": "public", "gpu": True}
    owner = Owner(tmp_path / "project", template, acme.environ, answers=asked.for_engine(asked.resolve(told), told))
    owner.write("README.md", owner.read("README.md").replace("# Wine", "# Wine of Ada")).commit()

    done = acme.update()
    assert done.exit_code is ExitCode.OK, done.data
    acme.git.run("merge", "--quiet", "--ff-only", str(done.data["branch"]))
    more = f"preset: {{template_update: weekly}}\nlocked:\n  visibility: {{value: internal, why: {NEVER}}}\n"
    text = acme.text("organisation.yaml").replace("locked:\n", more)
    acme.commit({"organisation.yaml": text})
    acme.git.run("tag", "v1.1.0")

    owner.template = template = open_template(str(acme.path), acme.environ, given=True)
    owner.renders._template = template
    with pytest.raises(LockedAnswer, match=NEVER):
        owner.update(given=Given(answers={"visibility": "private"}))
    update = owner.update()
    assert update.update.conflicts == ()
    assert {new.key: (new.before, new.value, new.origin) for new in update.update.new_answers} == {
        "visibility": ("public", "internal", "organisation"), "template_update": (None, "weekly", "preset"),
    }  # fmt: skip
    owner.take(update)
    assert owner.read("README.md") == "# Wine of Ada\n\nAbout it, by ours.\n\nPaid by CC-wine, under mit.\n"
    answers = read_record(owner.read(ANSWERS_FILE)).answers
    assert (answers["gpu"], answers["gpu_type"], answers["license"]) == (True, "small", "mit")
    assert owner.update().update.is_empty
