"""The templates that one command needs, each opened once however many repositories are made from it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from hashlib import sha256

from mlopsgen.adapters.cache import cache_folder
from mlopsgen.adapters.credentials import Credential
from mlopsgen.adapters.templates import open_template
from mlopsgen.adapters.trust import NOBODY, Trust
from mlopsgen.errors import MlopsgenError
from mlopsgen.ports import Template
from mlopsgen.sync.renders import Renders


class TemplateShelf:
    """Templates and the stores of their renders, for any number of threads.

    Args:
        environ: The environment that git is started with.
        trust: The templates that may run code of their own.
    """

    def __init__(self, environ: Mapping[str, str], trust: Trust = NOBODY) -> None:
        self._environ = environ
        self._trust = trust
        self._credential: Credential | None = None
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._templates: dict[str, Template | MlopsgenError] = {}
        self._renders: dict[str, Renders] = {}

    def show(self, credential: Credential) -> None:
        """Let the token that this command was given open templates on its own host, too."""
        self._credential = credential

    def template(self, address: str, *, given: bool = False) -> Template:
        """The template at an address.

        Args:
            address: Where it lies.
            given: Whether the person who runs this named it; a repository's record may not name a folder.

        Raises:
            MlopsgenError: It cannot be reached, or is none.
        """
        with self._lock_of(address):
            if address not in self._templates:
                self._templates[address] = self._opened(address, given=given)
            found = self._templates[address]
        if isinstance(found, MlopsgenError):
            raise copy.copy(found)
        return found

    def _opened(self, address: str, *, given: bool) -> Template | MlopsgenError:
        """A template; what keeps it closed is remembered as well: a fleet does not knock for each repository."""
        try:
            return open_template(address, self._environ, given=given, trust=self._trust, credential=self._credential)
        except MlopsgenError as error:
            return error

    def renders(self, template: Template) -> Renders:
        """The store of a template's renders."""
        with self._lock_of(f"renders of {template.address}"):
            if template.address not in self._renders:
                name = sha256(template.address.encode()).hexdigest()[:16]
                folder = cache_folder(self._environ, "renders", f"{name}.git")
                self._renders[template.address] = Renders(folder, template, self._environ)
            return self._renders[template.address]

    def _lock_of(self, name: str) -> threading.Lock:
        """One lock for each: what takes long for one template keeps nobody from another."""
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())
