"""The option matrix of the generated repository: what people answer, odd things included, in every pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlopsgen.constants import BRANCHES
from mlopsgen.operations.pairwise import Needs, Row, all_pairs

Fragment = Mapping[str, Any]

_RULES = [
    {"name": "balanced_accuracy", "higher_is_better": True, "threshold": 0.55, "tolerance": 0.01, "minimum_gain": 0.0},
    {"name": "f1_macro", "higher_is_better": True, "threshold": None, "tolerance": 0.0, "minimum_gain": 0.002},
]

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

# Each factor with its values; a value is the answers that it stands for. Data, target, task and metrics go together.
FACTORS: dict[str, dict[str, Fragment]] = {
    "project_name": {
        "default": {},
        "accents": {"project_name": "Größe der Bäume_2"},
        "no ascii": {"project_name": "モデル 一", "slug": "m1"},
        "long": {"project_name": "a" * 40, "slug": "a-" * 19 + "b9"},
    },
    "description": {
        "default": {},
        "empty": {"description": ""},
        "quotes": {"description": "It's \"quoted\": 'yes' \\ #no & <b>`tick`</b> %"},
        "delimiters": {"description": "[[ x ]] [% if %] [# c #] ${{ github.actor }} {{ y }} {% z %}"},
        "like yaml": {"description": "!!python/none {a: [1, *b, &c]} | > ? @ 日本語 🚀"},
    },
    "owner": {
        "none": {},
        "quotes": {"owner": 'O\'Brien & "Söhne" <GmbH>: #1'},
        "number": {"owner": "007"},
        "word of YAML": {"owner": "null"},
    },
    "license": {name: {"license": name} for name in ("none", "apache-2.0", "mit", "bsd-3-clause", "proprietary")},
    "visibility": {name: {"visibility": name} for name in ("private", "internal", "public")},
    "data": {
        "sample": {},
        "remote, several classes": {
            "data_address": "https://data.example.org/wine%20quality.csv?part=1&of=2#x",
            "target": 'quality: "ü" #1',
            "task": "multiclass",
            "data_format": "csv",
        },
        "path, two classes": {
            "data_address": "data/it's mine: größe #1.parquet",
            "target": "Überlebt?",
            "task": "binary",
            "data_format": "parquet",
            "metrics": _RULES,
        },
        "table of a database": {
            "data_address": "postgresql://db.example.org:5432/sales#public.orders",
            "target": "amount",
            "task": "regression",
        },
        "S3, two classes": {
            "data_address": "s3://bucket/folder/größe-1.parquet",
            "target": "y",
            "task": "binary",
            "data_format": "parquet",
        },
        "absolute, regression": {
            "data_address": "/data/yes.csv",
            "target": "no",
            "task": "regression",
            "data_format": "auto",
            "metrics": [
                {"name": "mae", "higher_is_better": False, "threshold": 1e6, "tolerance": 0.5, "minimum_gain": 0.0},
                {"name": "r2", "higher_is_better": True, "threshold": -0.5, "tolerance": 0.0, "minimum_gain": 0.0},
            ],
        },
    },
    "notification": {
        "none": {},
        "mail": {
            "notify_how": "email",
            "notify_emails": ["ada@example.com", "o_neil+ml@example.co.uk"],
            "notify_when": ["improved", "regressed", "failed", "succeeded", "data_changed", "always"],
        },
    },
    "registry": {
        "none": {},
        "on GitHub": {"registry": "ghcr.io/acme/model_1"},
        "own": {"registry": "registry.example.org:5000/ml/a--b.c"},
    },
    "data watch": {
        "default": {},
        **{every: {"data_watch": every} for every in ("off", "hourly", "daily", "weekly")},
    },
    "template update": {
        "default": {},
        **{every: {"template_update": every} for every in ("weekly", "monthly")},
    },
    "review": {
        "none": {},
        "several": {"reviewers": ["octocat", "acme/ml-reviewers"], "review_wait_minutes": 43200},
    },
    "python": {version: {"python_version": version} for version in ("3.11", "3.12", "3.13")},
}
NEEDS: dict[str, tuple[str, object]] = {}
for _branch in BRANCHES:
    FACTORS[f"{_branch} engine"] = {
        "local": {f"{_branch}_engine": "local"},
        "kubeflow": {
            f"{_branch}_engine": "kubeflow",
            f"{_branch}_endpoint": f"https://kubeflow.example.org:8443/{_branch}/pipeline?a=b",
            f"{_branch}_namespace": f"team-{_branch}",
        },
    }
    FACTORS[f"{_branch} login"] = {
        name: {f"{_branch}_login": name} for name in ("none", "token", "service-account", "cookie", "dex")
    }
    NEEDS[f"{_branch} login"] = (f"{_branch} engine", "kubeflow")
    FACTORS[f"{_branch} access"] = {
        "direct": {},
        "ssh": {
            f"{_branch}_access": "ssh",
            f"{_branch}_ssh": f"tunnel_{_branch}@bastion.example.org:2222",
            f"{_branch}_ssh_host_key": f'{HOST_KEY} keeper\'s "bastion": #1 [[ x ]]',
        },
    }
    NEEDS[f"{_branch} access"] = (f"{_branch} engine", "kubeflow")
    FACTORS[f"{_branch} wait"] = {name: {f"{_branch}_wait": name} for name in ("poll", "callback", "none")}
    NEEDS[f"{_branch} wait"] = (f"{_branch} engine", "kubeflow")
    FACTORS[f"{_branch} tracking"] = {
        "file": {},
        "server": {f"{_branch}_tracking_uri": "https://mlflow.example.org/ü/"},
    }
    FACTORS[f"{_branch} runner"] = {"default": {}, "own": {f"{_branch}_runner": "self-hosted, gpu_2"}}

# Rendered, linted, typed and tested by `make test`; all pairs are completed from here.
FIRST: tuple[Row, ...] = (
    {name: next(iter(values)) for name, values in FACTORS.items() if name not in NEEDS},
    {
        "project_name": "accents",
        "description": "quotes",
        "owner": "quotes",
        "license": "mit",
        "data": "path, two classes",
    },
    {
        "project_name": "no ascii",
        "description": "delimiters",
        "data": "remote, several classes",
        "license": "apache-2.0",
    },
    {"project_name": "long", "description": "like yaml", "data": "absolute, regression", "license": "bsd-3-clause"},
    {
        "description": "empty",
        "owner": "word of YAML",
        "license": "proprietary",
        "notification": "mail",
        "review": "several",
    },
    {
        "owner": "number",
        "development engine": "kubeflow",
        "staging engine": "kubeflow",
        "production engine": "kubeflow",
    },
)


def rows() -> list[Row]:
    """The rows of the matrix, always the same; the first ones are :data:`FIRST`, completed."""
    needs: Needs = NEEDS
    return all_pairs({name: list(values) for name, values in FACTORS.items()}, needs, first=FIRST)


def answers(row: Row) -> dict[str, Any]:
    """The answers that a row stands for."""
    merged: dict[str, Any] = {}
    for factor, value in row.items():
        merged |= FACTORS[factor][str(value)]
    return merged
