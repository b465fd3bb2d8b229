"""The tool with an older and a newer version of its template, as an installed one has them."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlopsgen.adapters.template_store import copy_working_tree
from tests.fleet_stage import NEW, OLD, ROOT, environment, git, make_site

MAKEFILE = "template/Makefile"
"""What differs. The line is that of the real v0.1.0, so that the pages hold for whoever has it."""

LINE_OF_OLD = '\t@$(ENTRY) run $(OPTIONS) $(foreach parameter,$(PARAMS),--param "$(parameter)")\n'
LINE_OF_NEW = LINE_OF_OLD.replace(" $(foreach", ' $(if $(ENGINE),--engine "$(ENGINE)") $(foreach')


def site(folder: Path) -> Path:
    """A folder for ``PYTHONPATH``: the tool, its newest template, and an older one that differs in a line."""
    environ = environment(folder / "home")
    project = folder / "project"
    project.mkdir()
    copy_working_tree(ROOT, project, environ)
    shutil.copy(ROOT / "CHANGELOG.md", project)
    makefile = project / MAKEFILE
    newer = makefile.read_text(encoding="utf-8")
    assert newer.count(LINE_OF_NEW) == 1, "the template's Makefile trains with another line; choose one here again"
    git(project, environ, "init", "--quiet", "--initial-branch", "main")
    for version, text in ((OLD, newer.replace(LINE_OF_NEW, LINE_OF_OLD)), (NEW, newer)):
        makefile.write_text(text, encoding="utf-8")
        git(project, environ, "add", "--all")
        git(project, environ, "commit", "--quiet", "-m", version)
        git(project, environ, "tag", version)
    return make_site(folder, project, environ)
