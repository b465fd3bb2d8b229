"""Runs the command line in a Python without what Windows' Python has not: ``python FILE ARGUMENTS``.

Paths, line ends and the console stay those of this system: what is proven is that nothing asks for a module, a function
or a signal that is not there.
"""

from __future__ import annotations

import asyncio  # noqa: F401 - these read what is taken away when they are imported
import importlib.abc
import multiprocessing  # noqa: F401
import os
import shutil  # noqa: F401
import signal
import socket
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401

MODULES = {"crypt", "curses", "fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
FUNCTIONS = (
    "fork", "forkpty", "killpg", "getuid", "geteuid", "getgid", "getegid", "getpgid", "getsid", "setsid", "setpgid",
    "chown", "fchown", "lchown", "fchmod", "mkfifo", "mknod", "openpty", "sync", "nice",
    "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "sched_getaffinity", "wait", "posix_spawn",
)  # fmt: skip
SIGNALS = (
    "SIGHUP", "SIGKILL", "SIGALRM", "SIGCHLD", "SIGQUIT", "SIGPIPE", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGSTOP",
    "SIGTSTP", "SIGWINCH", "alarm", "setitimer", "pthread_sigmask", "sigwait", "pause", "siginterrupt",
)  # fmt: skip


class _Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def take_away() -> None:
    """Take it away."""
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Missing())
    for holder, names in ((os, FUNCTIONS), (signal, SIGNALS), (socket, ("AF_UNIX",))):
        for name in names:
            if hasattr(holder, name):
                delattr(holder, name)


if __name__ == "__main__":
    sys.path[:] = [place for place in sys.path if not place.endswith("tests")]  # a folder there is called github
    take_away()
    from mlopsgen.cli.main import main

    raise SystemExit(main())
