"""Git over https with the token in the environment alone: never in an argument, an address or a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.git_login import login, login_environment
from mlopsgen.adapters.process import Completed
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.github.client import BACKOFF
from mlopsgen.forge.github.errors import Refused, Renamed, RightsMissing, TokenRefused, Unreachable
from mlopsgen.forge.github.host import Host
from mlopsgen.secret_value import SecretValue


class BranchMoved(MlopsgenError):
    """The branch has commits on GitHub that are not here."""

    code = "branch-moved"


_MOVED = re.compile(r"\(stale info\)|non-fast-forward|\(fetch first\)|failed to update ref")
_FRAME = re.compile(r"(remote:|hint:|To |Done$|error: failed to push some refs|fatal: the remote end hung up)")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MISSING = re.compile(r"[Rr]epository .*not found|returned error: 404")
_TRANSIENT = re.compile(
    r"HTTP 5\d\d|returned error: (5\d\d|429)|Could not resolve host|Connection (reset|refused|timed out)|early EOF|"
    r"hung up unexpectedly|RPC failed|Empty reply|Operation too slow|SSL_ERROR_SYSCALL|unexpected disconnect",
    re.IGNORECASE,
)


class GitTransport:
    """Moves commits between a repository here and one on GitHub.

    Args:
        host: Which GitHub.
        owner: The person or organisation.
        name: The repository.
        token: Whose rights git has.
        environ: The environment, of which git is not told the secrets.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        host: Host,
        owner: str,
        name: str,
        token: SecretValue,
        *,
        environ: Mapping[str, str],
        sleep: Callable[[float], None],
    ) -> None:
        self._host = host
        self._full_name = f"{owner}/{name}"
        self._address = host.address(owner, name)
        self._token = token
        self._environ = environ
        self._sleep = sleep

    def fetch(
        self,
        source: GitRepository,
        refspecs: Sequence[str],
        *,
        fresh: bool = False,
        words: Sequence[str] = (),
        remote: str = "",
        objects: Collection[str] = (),
    ) -> None:
        """Bring branches here, as the refspecs say; tags are left out.

        Args:
            source: The repository here.
            refspecs: What becomes what.
            fresh: Whether the repository was just made, so that it may not be visible everywhere yet.
            words: More of what git shall do (``--depth=1``).
            remote: The name of a remote with the same address, where git keeps something under it.
            objects: Single objects to bring instead.

        Raises:
            MlopsgenError: GitHub refuses, or cannot be reached.
        """
        # Single objects are nobody's history: there is nothing to negotiate about.
        alone = ("-c", "fetch.negotiationAlgorithm=noop") if objects else ()
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", *words)
        listed = ("--stdin",) if objects else refspecs
        stdin = "".join(f"{name}\n" for name in objects) or None
        done = self._run(source, *alone, *fetch, remote or self._address, *listed, fresh=fresh, stdin=stdin)
        if done.exit_status != 0:
            raise self._error(done, "Fetching")

    def push(self, source: GitRepository, branch: str, seen: str | None, *, fresh: bool = False) -> str:
        """Bring a branch to GitHub; commits there are never lost.

        Args:
            source: The repository here.
            branch: The branch.
            seen: The commit that it had there when it was looked at, empty for none: if it has another one now, nothing
                is pushed. ``None`` if nobody has looked.
            fresh: Whether the repository was just made, so that it may not be visible everywhere yet.

        Returns:
            The commit that the branch has there now.

        Raises:
            BranchMoved: It has commits there that are not here.
            MlopsgenError: GitHub refuses, or cannot be reached.
        """
        commit = source.commit_of(f"refs/heads/{branch}")
        if commit is None:
            raise MlopsgenError(f"There is no branch '{branch}'.", where=branch)
        lease: list[str] = []
        if seen is not None:
            if seen and not source.succeeds("merge-base", "--is-ancestor", seen, commit):
                raise self._moved(branch)
            # Together with the line above this can only forward the branch, and only from what was looked at.
            lease = [f"--force-with-lease=refs/heads/{branch}:{seen}"]
        refspec = f"{commit}:refs/heads/{branch}"
        arguments = ("push", "--porcelain", *lease, self._address, refspec)
        done = self._run(source, *arguments, fresh=fresh)
        if _MOVED.search(done.stdout + done.stderr):
            # Also what git says when a connection broke after the branch was updated and it asked twice; then it is
            # up to date now.
            done = self._run(source, *arguments, fresh=fresh)
        if done.exit_status == 0:
            return commit
        if _MOVED.search(done.stdout + done.stderr):
            raise self._moved(branch)
        raise self._error(done, f"Pushing {branch}")

    def replace(self, source: GitRepository, commit: str, branch: str, seen: str) -> None:
        """Let a branch on GitHub be a commit, whatever it was, as long as it is still what was seen.

        Args:
            source: The repository here.
            commit: The commit.
            branch: The branch there; only one that belongs to this program.
            seen: The commit that it had there when it was looked at; empty for none.

        Raises:
            BranchMoved: It has another commit now.
            MlopsgenError: GitHub refuses, or cannot be reached.
        """
        lease = f"--force-with-lease=refs/heads/{branch}:{seen}"
        arguments = ("push", "--porcelain", "--no-verify", "--no-signed", "--no-recurse-submodules", lease)
        refspec = f"{commit}:refs/heads/{branch}"
        done = self._run(source, *arguments, self._address, refspec, fresh=False)
        if _MOVED.search(done.stdout + done.stderr):
            # Also where the first answer was lost on the way: then it is up to date now.
            done = self._run(source, *arguments, self._address, refspec, fresh=False)
        if done.exit_status == 0:
            return
        if _MOVED.search(done.stdout + done.stderr):
            raise BranchMoved(
                f"The branch {branch} was changed on GitHub just now; nothing was pushed to it.",
                hint="Run this again; it looks at what is there now.",
                where=self._full_name,
            )
        raise self._error(done, f"Pushing {branch}")

    def _run(self, source: GitRepository, *arguments: str, fresh: bool, stdin: str | None = None) -> Completed:
        """Run git; what the network spoils is tried again, which is safe: git sends the same commits."""
        for wait in (*BACKOFF[1:4], None):
            done = source.run(*arguments, check=False, stdin=stdin, extra=self.environment())
            later = _TRANSIENT.search(done.stderr) or (fresh and _MISSING.search(done.stderr))
            if done.exit_status == 0 or wait is None or not later:
                break
            self._sleep(wait)
        return done

    def environment(self) -> dict[str, str]:
        """What git needs to reach the repository: the credential, and nothing that a person configured for it."""
        return login_environment(self._address, self._token, self._environ)

    def _clean(self, text: str) -> str:
        """A text without the token, should a hook or a trace have repeated it."""
        return text.replace(login(self._token), "***").replace(self._token.reveal(), "***")

    def _moved(self, branch: str) -> BranchMoved:
        return BranchMoved(
            f"The branch {branch} has commits on GitHub that this plan has not seen; nothing was pushed to it.",
            hint=f"Bring them here with 'git pull --rebase' on {branch}, then run this again.",
            where=self._full_name,
        )

    def _error(self, done: Completed, doing: str) -> MlopsgenError:
        """The error behind what git prints."""
        text = self._clean(_ANSI.sub("", f"{done.stderr}\n{done.stdout}"))
        told = self._clean(_words(done))
        for pattern, kind, message, hint in _REFUSALS:
            if pattern.search(text):
                names = {
                    "where": self._full_name,
                    "server": self._host.server,
                    "told": told,
                }
                return kind(
                    f"{doing} failed: {message.format(**names)}.", hint=hint.format(**names), where=self._full_name
                )
        return Refused(
            f"{doing} failed: {told}.", hint="Change what it names, then run it again.", where=self._full_name
        )


_REFUSALS: tuple[tuple[re.Pattern[str], type[MlopsgenError], str, str], ...] = (
    (
        re.compile(r"refusing to allow .*workflow"),
        RightsMissing,
        "the token may not change files in .github/workflows",
        "Give it the scope 'workflow' (fine-grained: Workflows), as with 'gh auth refresh --scopes workflow'.",
    ),
    (
        re.compile(r"Maximum \(0\) redirects|unable to update url base from redirection|returned error: 30[178]"),
        Renamed,
        "the repository {where} was renamed or moved",
        "Look where {server}/{where} leads now, and run 'git remote set-url origin' with that address.",
    ),
    (
        re.compile(r"Authentication failed|could not read (User|Pass)|returned error: 401|prompts disabled"),
        TokenRefused,
        "GitHub refuses the token for git",
        "Make a new one at {server}/settings/tokens or run 'gh auth login'.",
    ),
    (
        re.compile(r"shallow update not allowed"),
        Refused,
        "this clone is shallow, and GitHub takes no push from one",
        "Run 'git fetch --unshallow', then run this again.",
    ),
    (
        re.compile(r"GH013|GH006|rule violations|protected branch"),
        Refused,
        "a rule of the repository or organisation refuses it ({told})",
        "Open a pull request, or look at {server}/{where}/rules.",
    ),
    (
        re.compile(r"returned error: 403|Permission to .* denied|Write access .* not granted"),
        RightsMissing,
        "the token may not push to {where}",
        "The token needs the scope 'repo' (fine-grained: Contents, write), its owner the role Write or more.",
    ),
    (
        _MISSING,
        RightsMissing,
        "GitHub does not let this token see the code of {where}",
        "Check the name, and that the token may read and write code (scope 'repo'; fine-grained: Contents, write).",
    ),
    (
        _TRANSIENT,
        Unreachable,
        "{server} did not answer to the end ({told})",
        "Check the network and run it again; what is done stays done.",
    ),
)


def _words(done: Completed) -> str:
    """What GitHub, a hook or git says, without the frame around it; the first of them that says anything."""
    lines = [_ANSI.sub("", line).rstrip() for line in done.stderr.splitlines()]
    remote = [line.removeprefix("remote:").strip(" -\t") for line in lines if line.startswith("remote:")]
    theirs = [line.removeprefix("error:").strip() for line in remote if line and not line.startswith("http")]
    rejected = [line.split("\t")[-1].strip("[]() ") for line in done.stdout.splitlines() if line.startswith("!")]
    here = [line.strip() for line in lines if line.strip() and not _FRAME.match(line)]
    told = (
        theirs[:4]
        or [line for line in rejected if "pre-receive" not in line][:1]
        or here[-3:]
        or ["git printed nothing"]
    )
    return "; ".join(told).replace("] (", ": ").rstrip(".")
