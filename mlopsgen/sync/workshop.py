"""A bare repository to work an update out in: it sees a person's objects and the renders, and writes into neither."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlopsgen.adapters.bare import alternate
from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError
from mlopsgen.sync.renders import Renders

_PATH = ("rev-parse", "--path-format=absolute")


def workshop(folder: Path, repository: GitRepository, renders: Renders) -> GitRepository:
    """Make a workshop in an empty folder.

    Args:
        folder: Where it shall lie; removed by the caller.
        repository: The person's repository: a clone of any kind, a linked working tree too.
        renders: The renders that it shall see.

    Raises:
        MlopsgenError: The repository names its objects otherwise than renders do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Each path alone: a folder's name may hold a line's end.
    kind, _, objects = repository.read(*_PATH, "--show-object-format", "--git-path", "objects").partition("\n")
    shallow = repository.read(*_PATH, "--git-path", "shallow")
    if kind != "sha1":
        raise MlopsgenError(
            f"The repository names its objects by {kind}; updates know sha1 only.",
            where=str(repository.path),
            hint="Make one by sha1, git's default, of it: 'git fast-export --all' there and 'git fast-import'.",
        )
    made = repository.at(folder)
    made.run("init", "--quiet", "--bare", "--template=", "--object-format=sha1")
    lines = "".join(f"{alternate(place)}\n" for place in (objects, str(renders.objects)))
    (folder / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_text(lines, encoding="utf-8")
    if Path(shallow).is_file():  # a clone that ends somewhere: so does what is seen of it here
        shutil.copy(shallow, folder / "shallow")
    return made
