"""Templates of other people: git repositories whose tags are versions, mirrored in the cache folder.

They are fetched once in a command; without network the mirror serves. A token of the environment goes to the host that
it is for, for this one git command, and is never stored. Rendering runs none of their code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from mlopsgen.adapters import credentials
from mlopsgen.adapters.bare import bare_repository
from mlopsgen.adapters.cache import cache_folder
from mlopsgen.adapters.git_login import login_environment
from mlopsgen.adapters.process import Completed
from mlopsgen.adapters.tagged_versions import TaggedVersions
from mlopsgen.adapters.template_address import TemplateAddress
from mlopsgen.errors import MlopsgenError, UsageError
from mlopsgen.secret_value import SecretValue, redact

_REFUSED = re.compile(
    r"Authentication failed|could not read (User|Pass)|returned error: 40[134]|prompts disabled|"
    r"[Rr]epository .*not found|"
    r"Permission denied|does not appear to be a git repository|access denied|Maximum \(0\) redirects|"
    r"unable to update url base|returned error: 30\d|dubious ownership",
)
_BUSY = re.compile(r"cannot lock ref|Unable to create .*\.lock|File exists")
_VERSIONS = "+refs/tags/*:refs/tags/*"
_TRIES = 5


class TemplateMirror:
    """The versions of a template somewhere else. A :class:`mlopsgen.adapters.copier_engine.VersionStore`.

    Args:
        address: Where it is.
        environ: The environment that git is started with, and where a token may be.

    Raises:
        MlopsgenError: It cannot be fetched and was never fetched before, or it has no versions.
    """

    def __init__(self, address: TemplateAddress, environ: Mapping[str, str]) -> None:
        self._address = address
        self._environ = environ
        name = hashlib.sha256(address.text.encode()).hexdigest()[:20]
        self._repository = bare_repository(cache_folder(environ, "templates") / f"{name}.git", environ)
        self.warning = ""
        """A sentence about the network, where the versions are those of the last time."""
        self._bring()
        self._tagged = TaggedVersions(self._repository)
        if not self._tagged.names:
            raise MlopsgenError(
                f"The template {address.text} has no released version.",
                where=address.text,
                hint="A version is a tag of its repository: 'git tag v1.0.0 && git push origin v1.0.0' there.",
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

    def identity(self, version: str) -> str:
        """The id of a version's tree."""
        return self._tagged.identity(version)

    def lay_out(self, version: str, destination: Path) -> None:
        """Write a version into the empty folder ``destination``."""
        self._tagged.lay_out(version, destination)

    def read(self, version: str, name: str) -> str | None:
        """The text of a file at the top of a version, ``None`` if there is none."""
        return self._tagged.read(version, name)

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first."""
        return self._tagged.changelog(start, end)

    def _bring(self) -> None:
        """Fetch what is new."""
        token = self._token()
        done = self._fetch(token)
        if done.exit_status != 0 and token is not None and _REFUSED.search(done.stderr):
            # The token may be for something else; what everybody may read needs none, and git may know another way.
            again = self._fetch(None)
            done = again if again.exit_status == 0 else done
        if done.exit_status == 0:
            return
        told = self._told(done, token)
        if _REFUSED.search(done.stderr):
            raise UsageError(
                f"The template {self.address} cannot be read: {told}.", where=self.address, hint=self._way(token)
            )
        if not self._repository.read("for-each-ref", "--count=1", "refs/tags"):
            hint = "Check the address and the network, then run it again."
            raise MlopsgenError(
                f"The template {self.address} cannot be reached: {told}.", where=self.address, hint=hint
            )
        self.warning = (
            f"The template {self.address} cannot be reached ({told}); its versions are those of the last time."
        )

    def _fetch(self, token: SecretValue | None) -> Completed:
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
            done = self._repository.run("fetch", *words, self.address, _VERSIONS, check=False, extra=extra)
            if done.exit_status == 0 or not _BUSY.search(done.stderr):
                break  # otherwise another command fetches the same
        return done

    def _extra(self, token: SecretValue | None) -> dict[str, str]:
        """What only this command gets: which ways git may go, and the credential."""
        return {
            **login_environment(self.address, token, self._environ),
            "GIT_ALLOW_PROTOCOL": "file" if self._address.is_local else "https:http:ssh",
            "GIT_SSH_COMMAND": self._environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        }

    def _token(self) -> SecretValue | None:
        """The token for the template's host, if the environment or gh has one."""
        if not self._address.host:
            return None
        try:
            return credentials.find_credential(self._address.host, self._environ, cwd=self._repository.path).token
        except credentials.NoCredential:
            return None

    def _told(self, done: Completed, token: SecretValue | None) -> str:
        """What git says, in a line and without the token."""
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        kept = (
            [line for line in lines if line.startswith(("fatal:", "remote:", "error:"))]
            or lines
            or ["git says nothing"]
        )
        text = redact("; ".join(line.split(":", 1)[-1].strip() if ":" in line else line for line in kept[-2:]))
        return (text.replace(token.reveal(), "***") if token is not None else text).rstrip(".")

    def _way(self, token: SecretValue | None) -> str:
        if self._address.is_local:
            return "Give the folder of a git repository that you may read."
        if not self._address.host:
            return "Check the address, and that 'git ls-remote' with it works here."
        if token is not None:
            return "Check the address, and that the token may read that repository (fine-grained: Contents, read)."
        return f"Check the address. If it is private: set {credentials.OWN_VARIABLE} to a token that may read it."
