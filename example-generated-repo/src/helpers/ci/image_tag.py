"""``image-tag``: the tag of the branch's image, from what goes into it, and whether it is built already.

Standard library only. The tag depends on the committed bytes alone, so the same sources are built once.
"""

from __future__ import annotations

import argparse
import hashlib
import re

from helpers.ci.job import Job
from helpers.ci.registry import Denied, Login, digest_of, parse_name
from helpers.errors import RepositoryError
from helpers.processes import capture

ALWAYS = ("Dockerfile", ".dockerignore")


def image_tag(job: Job, options: argparse.Namespace) -> None:
    """Sets ``image``, ``tag``, ``exists``, ``digest`` and ``reference``."""
    image = parse_name(options.registry)
    tag = tag_of(job)
    try:
        digest = digest_of(image, tag, _login(job, image.host))
    except Denied as error:
        job.annotate("warning", f"{error} Whether the image is there is not known, so it is built.")
        digest = ""
    job.tell(f"{options.registry}:{tag} {'is built already' if digest else 'is not built yet'}")
    job.output(
        image=f"{options.registry}:{tag}",
        tag=tag,
        exists=bool(digest),
        digest=digest,
        reference=f"{options.registry}@{digest}" if digest else "",
    )


def tag_of(job: Job) -> str:
    """The tag: a checksum of the committed files that the image is made of.

    Raises:
        RepositoryError: The Dockerfile is not part of the commit, or git cannot be asked.
    """
    shown = _git(job, "show", "HEAD:Dockerfile")
    listed = _git(job, "ls-tree", "-r", "--full-tree", "HEAD", "--", *sorted({*ALWAYS, *copied(shown)}))
    if not listed.strip():
        raise RepositoryError("No file that the Dockerfile copies is part of the commit.", where="Dockerfile")
    return hashlib.sha256(listed.encode()).hexdigest()[:20]


def copied(dockerfile: str) -> list[str]:
    """What a Dockerfile copies from the repository; the whole repository where that is not plain to see."""
    found = []
    for line in re.sub(r"\\\s*\n", " ", dockerfile).splitlines():
        words = line.split()
        if not words or words[0].upper() not in ("COPY", "ADD") or any(word.startswith("--from") for word in words):
            continue
        sources = [word for word in words[1:] if not word.startswith("--")][:-1]
        if not sources or any(re.search(r"[\[*?$\"']", word) for word in sources):
            return ["."]
        found += [word.removeprefix("./").rstrip("/") or "." for word in sources]
    return found or ["."]


def _login(job: Job, host: str) -> Login:
    user, password = job.environ.get("REGISTRY_USERNAME", ""), job.environ.get("REGISTRY_PASSWORD", "")
    if user or host != "ghcr.io":
        return Login(user, password)
    return Login(job.environ.get("GITHUB_ACTOR", ""), job.environ.get("GITHUB_TOKEN", ""))


def _git(job: Job, *arguments: str) -> str:
    environ = {name: value for name, value in job.environ.items() if not name.startswith(("GIT_", "REGISTRY_"))}
    environ.pop("GITHUB_TOKEN", None)
    answer = capture(["git", "-c", "core.quotePath=false", *arguments], cwd=job.root, environ=environ)
    if answer.code != 0:
        raise RepositoryError(
            "git cannot say what the image is made of.", where=arguments[-1], hint=answer.text.strip()[:300]
        )
    return answer.text
