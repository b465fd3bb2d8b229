"""Updates as values, for tests of what is said about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlopsgen.forge.values import Key, Kind, Resource
from mlopsgen.sync.values import (
    Conflict,
    FileChange,
    FileNote,
    NewAnswer,
    SettingsChanges,
    Update,
    VersionChanges,
    Why,
)

DIFF = """\
--- a/src/helpers/gate.py
+++ b/src/helpers/gate.py
@@ -12,3 +12,4 @@
 def decide(report):
-    return report.better
+    # Ada: `worse` is fine on Fridays, see #12
+    return report.better or friday()
"""
CHANGELOG = """\
### Added

- `make check` reads the data before a training (thanks @ada, closes #31).
- A page about updates: [docs/updates.md](docs/updates.md).

### Fixed

- A training that was cancelled no longer keeps its lock.
"""


def clean(**more: Any) -> Update:
    """A small update without anything to do."""
    update = Update(
        template="https://github.com/mlopsgen/mlopsgen",
        start="v0.1.0",
        end="v0.2.0",
        ours="a" * 40,
        base="b" * 40,
        theirs="c" * 40,
        tree="d" * 40,
        changes=(
            FileChange("Makefile", "changed", 3, 1),
            FileChange("docs/updates.md", "added", 40),
            FileChange(".copier-answers.yml", "changed", 2, 1),
        ),
        changelog=(VersionChanges("v0.2.0", CHANGELOG),),
    )
    return replace(update, **more)


def eventful(**more: Any) -> Update:
    """An update with everything that an update can have, but conflicts."""
    secret = Resource(
        key=Key(Kind.SECRET, "TEMPLATE_UPDATE_TOKEN"), purpose="token that may change workflow files", optional=False
    )
    staging = Resource(key=Key(Kind.SECRET, "KUBEFLOW_TOKEN", "staging"), purpose="token that logs in to Kubeflow")
    optional = Resource(key=Key(Kind.SECRET, "WEBHOOK_URL", "staging"), purpose="address that is told", optional=True)
    label = Resource(key=Key(Kind.LABEL, "template-update"), value={"color": "1d76db", "description": "A new version"})
    ruleset = Resource(
        key=Key(Kind.RULESET, "production"), value={"branches": ("production",), "pull_request": True, "reviews": 1}
    )
    gone = Resource(key=Key(Kind.VARIABLE, "OLD_ENDPOINT", "staging"), value="https://old.example")
    return clean(
        changes=(
            *clean().changes,
            FileChange("src/helpers/gate.py", "changed", 2, 3),
            FileChange("src/helpers/lock.py", "deleted", 0, 55),
            FileChange("tests/managed/test_gate.py", "renamed", 1, 1, "tests/test_gate.py"),
            FileChange("run.sh", "mode"),
        ),
        notes=(
            FileNote(path="src/helpers/gate.py", why=Why.EDITED, diff=DIFF),
            FileNote(path="README.md", why=Why.SEEDED),
            FileNote(path="docs/our page.md", why=Why.OWNED),
            FileNote(path="Dockerfile", why=Why.DELETED),
            FileNote(path="requirements-dev.txt", why=Why.LOCK_MADE),
            FileNote(path="requirements.txt", why=Why.LOCK_KEPT, detail="no network here; run: make lock"),
        ),
        answers={"slug": "wine", "template_update": "off"},
        new_answers=(
            NewAnswer(key="template_update", title="How often to look for updates", value="off"),
            NewAnswer(key="reviewers", title="Who approves", value=["ada", "org/team"], before=["ada"], origin="given"),
            NewAnswer(key="old_question", title="What was", value=None, before="yes", origin="dropped"),
        ),
        changelog=(
            VersionChanges("v0.2.0", CHANGELOG),
            VersionChanges("v0.1.2", "- Less.\n"),
            VersionChanges("v0.1.1", ""),
        ),
        settings=SettingsChanges(added=(secret, staging, optional, label), changed=(ruleset,), removed=(gone,)),
        warnings=("The record of this repository was edited by hand; its answers are taken as new ones.",),
        **more,
    )


CONFLICTS = (
    Conflict("config.yaml", "contents", "CONFLICT (contents): Merge conflict in config.yaml"),
    Conflict(
        ".github/workflows/development.yml", "modify/delete", "it is deleted in the template's and modified in yours."
    ),
    Conflict("docs/overview.png", "binary", "Merge conflict in docs/overview.png"),
)
