"""How git gets a token for one command: in its environment alone, for one address."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping

from mlopsgen.secret_value import SecretValue

_SECRET = re.compile(r"MLOPSGEN_(GITHUB_TOKEN|SECRET_.*)|(GH|GITHUB)_(ENTERPRISE_)?TOKEN")
# Somebody who traces git shall not find the header in the trace.
_TRACES = ("GIT_TRACE2_CONFIG_PARAMS", "GIT_TRACE2_ENV_VARS")
_SLOW = (("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", "60"))


def login(token: SecretValue) -> str:
    """What the header holds of a token: it is as secret as the token."""
    return b64encode(f"x-access-token:{token.reveal()}".encode()).decode()


def login_environment(address: str, token: SecretValue | None, environ: Mapping[str, str]) -> dict[str, str]:
    """What git needs besides its environment to reach an address.

    Args:
        address: The address; the token goes to no other one.
        token: Whose rights git has; ``None`` leaves git to what the person configured.
        environ: The environment that git is started with: it and what it starts are told none of the secrets in it.
    """
    pairs: list[tuple[str, str]] = []
    untold = {name: "" for name in (*_TRACES, *environ) if name in _TRACES or _SECRET.fullmatch(name)}
    asking = {}
    if token is not None:
        header = f"http.{address}.extraHeader"
        pairs = [
            ("credential.helper", ""),
            # An empty header takes away those of other configuration; two would be refused.
            (header, ""),
            (header, f"Authorization: Basic {login(token)}"),
            # A renamed repository shall be said, not followed.
            ("http.followRedirects", "false"),
        ]
        asking = {"GIT_ASKPASS": "true"}
    pairs += _SLOW
    numbered = {f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in enumerate(pairs)}
    numbered |= {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(pairs)}
    return {**untold, **numbered, **asking, "GIT_CONFIG_COUNT": str(len(pairs)), "GIT_TRACE_REDACT": "1"}
