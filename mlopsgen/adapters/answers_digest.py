"""The digest of answers, which tells whether somebody edited them in a record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest_of(answers: Mapping[str, Any]) -> str:
    """The digest of answers; the built-in template comes to the same one through copier's filters."""
    pairs = [[key, answers[key]] for key in sorted(answers, key=str.lower)]
    return hashlib.sha256(json.dumps(pairs, sort_keys=True, default=str).encode()).hexdigest()
