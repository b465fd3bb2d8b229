"""Templates of other people: git repositories whose tags (or commits) are versions, mirrored in the cache folder.

They are fetched once in a command; without network the mirror serves. A token of the environment goes to the host that
it is for, for this one git command, and is never stored. Reading them runs none of their code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from mlopsgen.adapters import credentials
from mlopsgen.adapters.bare import bare_repository
from mlopsgen.adapters.cache import cache_folder
from mlopsgen.adapters.git_login import login_environment
from mlopsgen.adapters.process import Completed
from mlopsgen.adapters.tagged_versions import HEAD, TaggedVersions
from mlopsgen.adapters.template_address import TemplateAddress
from mlopsgen.adapters.template_refusals import is_refusal, refused
from mlopsgen.errors import MlopsgenError
from mlopsgen.secret_value import SecretValue, redact

_BUSY = re.compile(r"cannot lock ref|Unable to create .*\.lock|File exists")
_VERSIONS = "+refs/tags/*:refs/tags/*"
_HEAD = f"+HEAD:{HEAD}"
_BRANCHES = "+refs/heads/*:refs/mlopsgen/branches/*"
_TRIES = 5


class TemplateMirror:
    """The versions of a template somewhere else. A :class:`mlopsgen.adapters.stored_template.VersionStore`.

    Args:
        address: Where it is.
        environ: The environment that git is started with, and where a token may be.
        given: The token that this command was given for a host; it counts before those of the environment.
        fetch: Whether it is fetched; otherwise it is as it was the last time, whatever happened since.

    Raises:
        MlopsgenError: It cannot be fetched and was never fetched before, or it has no versions.
    """

    def __init__(
        self,
        address: TemplateAddress,
        environ: Mapping[str, str],
        *,
        given: credentials.Credential | None = None,
        fetch: bool = True,
    ) -> None:
        self._address = address
        self._environ = environ
        self._given = given
        name = hashlib.sha256(address.repository.encode()).hexdigest()[:20]
        self._repository = bare_repository(cache_folder(environ, "templates") / f"{name}.git", environ)
        self.warning = ""
        """A sentence about the network, where the versions are those of the last time."""
        if fetch:
            self._bring()
        bring = self._bring_branches if fetch else None
        self._tagged = TaggedVersions(self._repository, folder=address.folder, bring=bring)
        if fetch and not self._tagged.tags:
            self._bring_branches()
        if not self._tagged.names:
            raise MlopsgenError(
                f"The template {address.text} has no version: its repository is empty.",
                where=address.text,
                hint="A version is a tag of its repository, or else a commit of the branch that it shows first.",
            )

    @property
    def address(self) -> str:
        """Its address, without credentials."""
        return self._address.text

    @property
    def newest(self) -> str:
        """The newest version."""
        return self._tagged.names[-1]

    def versions(self) -> tuple[str, ...]:
        """Every version, oldest first."""
        return self._tagged.names

    def find(self, name: str) -> str | None:
        """The version that a name means."""
        return self._tagged.find(name)

    def identity(self, version: str) -> str:
        """The id of a version's tree."""
        return self._tagged.identity(version)

    def lay_out(self, version: str, destination: Path) -> None:
        """Write a version into the empty folder ``destination``."""
        self._tagged.lay_out(version, destination)

    def read(self, version: str, name: str) -> str | None:
        """The text of a file at the top of a version, ``None`` if there is none."""
        return self._tagged.read(version, name)

    def entries(self, version: str, folder: str) -> tuple[str, ...]:
        """The names in a folder of a version."""
        return self._tagged.entries(version, folder)

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first."""
        return self._tagged.changelog(start, end)

    def _bring(self) -> None:
        """Fetch what is new."""
        credential, unused = self._credential
        token = credential.token if credential is not None else None
        done = self._fetch(token, _VERSIONS)
        if done.exit_status != 0 and token is not None and is_refusal(done.stderr):
            # The token may be for something else; what everybody may read needs none, and git may know another way.
            again = self._fetch(None, _VERSIONS)
            done = again if again.exit_status == 0 else done
        if done.exit_status == 0:
            return
        told = self._told(done, token)
        if is_refusal(done.stderr):
            raise refused(self._address, done.stderr, told, credential, unused)
        if not self._repository.read("for-each-ref", "--count=1", "refs/tags", HEAD):
            hint = "Check the address and the network, then run it again."
            raise MlopsgenError(
                f"The template {self.address} cannot be reached: {told}.", where=self.address, hint=hint
            )
        self.warning = (
            f"The template {self.address} cannot be reached ({told}); its versions are those of the last time."
        )

    def _bring_branches(self) -> None:
        """Fetch what no tag holds; what cannot be fetched now is as it was the last time."""
        credential, _ = self._credential
        for token in (credential.token, None) if credential is not None else (None,):
            for references in ((_HEAD, _BRANCHES), (_BRANCHES,)):  # a repository may show a branch that is not there
                if self._fetch(token, *references).exit_status == 0:
                    return

    def _fetch(self, token: SecretValue | None, *references: str) -> Completed:
        words = (
            "--quiet",
            "--prune",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
        )
        done = Completed(1, "", "")
        for _ in range(_TRIES):
            extra = self._extra(token)
            done = self._repository.run(
                "fetch", *words, self._address.repository, *references, check=False, extra=extra
            )
            if done.exit_status == 0 or not _BUSY.search(done.stderr):
                break  # otherwise another command fetches the same
        return done

    def _extra(self, token: SecretValue | None) -> dict[str, str]:
        """What only this command gets: which ways git may go, and the credential."""
        return {
            **login_environment(self._address.repository, token, self._environ),
            "GIT_ALLOW_PROTOCOL": "file" if self._address.is_local else "https:http:ssh",
            "GIT_SSH_COMMAND": self._environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        }

    @cached_property
    def _credential(self) -> tuple[credentials.Credential | None, str]:
        """The token for the template's host, if the environment or gh has one; else which ones are not for it."""
        if not self._address.host:
            return None, ""
        if self._given is not None and self._given.host == self._address.host:
            return self._given, ""
        try:
            return credentials.find_credential(self._address.host, self._environ, cwd=self._repository.path), ""
        except credentials.NoCredential as error:
            return None, error.message.partition(". ")[2]

    def _told(self, done: Completed, token: SecretValue | None) -> str:
        """What git says, in a line and without the token."""
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        kept = (
            [line for line in lines if line.startswith(("fatal:", "remote:", "error:"))]
            or lines
            or ["git says nothing"]
        )
        text = redact("; ".join(line.split(":", 1)[-1].strip() if ":" in line else line for line in kept[-2:]))
        text = text.replace(token.reveal(), "***") if token is not None else text
        return "".join(letter for letter in text if letter.isprintable()).rstrip(".")  # a server chose these words
