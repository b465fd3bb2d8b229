"""The table of verbs: what each is called, which module holds it, and below which heading the help lists it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """A verb of the command line: the module that holds it, its line in the help, and whether verbs follow it."""

    module: str
    help: str
    group: bool = False


SECTIONS = {
    "Make a repository": {
        "init": Verb("mlopsgen.cli.init", "Make a machine-learning repository from a few answers."),
        "push": Verb("mlopsgen.cli.push", "Bring it to GitHub, or to a forge on this machine that trains."),
        "adopt": Verb("mlopsgen.cli.adopt", "Bring a repository that exists under a template."),
    },
    "Train and look": {
        "status": Verb("mlopsgen.cli.status", "Show how the trainings and the forge stand."),
        "run": Verb("mlopsgen.cli.run", "Train a branch again."),
        "watch": Verb("mlopsgen.cli.watch", "Train where the data changed since the last training."),
    },
    "Keep it up to date": {
        "sync": Verb("mlopsgen.cli.sync", "Update what the template made to a newer version of it."),
        "config-repo": Verb(
            "mlopsgen.cli.config_repo", "Keep a template of your own: make, update, check, release.", group=True
        ),
    },
    "Look after GitHub": {
        "secrets": Verb(
            "mlopsgen.cli.secrets", "Show, set, rotate and check the secrets of each environment.", group=True
        ),
        "runner": Verb("mlopsgen.cli.runner", "Add, list and remove machines of your own that train.", group=True),
        "destroy": Verb("mlopsgen.cli.destroy", "Take back what push made on GitHub."),
    },
    "Find help": {
        "doctor": Verb("mlopsgen.cli.doctor", "Look for what is wrong on this machine, each with its next step."),
        "completion": Verb("mlopsgen.cli.completion", "Let the Tab key complete commands in your shell."),
        "cache": Verb("mlopsgen.cli.cache", "Show or clear what is kept on this machine and can be made again."),
        "schema": Verb("mlopsgen.cli.schema", "Print the JSON Schema of a document."),
    },
}
"""Every verb, by what people want to do, in the order of the help."""

ROOT_OPTIONS = (("--version", "Print the version and stop."), ("--help", "Show this and stop."))
"""What stands before any verb, with its meaning."""

VERBS = {name: verb for verbs in SECTIONS.values() for name, verb in verbs.items()}
"""Every verb by its name."""

OTHER_WORDS = {
    "new": "init", "create": "init", "start": "init", "generate": "init", "make": "init",
    "update": "sync", "upgrade": "sync", "pull": "sync",
    "train": "run", "retrain": "run", "rerun": "run", "submit": "run",
    "deploy": "push", "publish": "push", "upload": "push",
    "delete": "destroy", "remove": "destroy", "rm": "destroy",
    "check": "doctor", "diagnose": "doctor", "env": "doctor", "info": "doctor",
    "log": "status", "logs": "status", "list": "status", "ls": "status", "show": "status",
    "import": "adopt", "link": "adopt", "migrate": "adopt",
    "clean": "cache", "clear": "cache", "prune": "cache",
    "completions": "completion", "autocomplete": "completion",
    "runners": "runner", "config": "config-repo", "template": "config-repo",
}  # fmt: skip
"""What other programs call it: named where somebody types it, and never run in its place."""
