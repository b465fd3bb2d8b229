"""What a store of objects refused, in words: by the codes that S3 gives."""

from __future__ import annotations

from typing import Any

from helpers.data import network
from helpers.data.credentials import Credentials
from helpers.data.place import Task
from helpers.errors import AccessError, ConfigurationError, DataError, RepositoryError


def explain(error: Exception, *, task: Task, bucket: str, key: str, shown: str) -> RepositoryError | None:
    """The error for people; None for one that is a mistake in this code."""
    import botocore.exceptions as known

    credentials = task.credentials()
    if isinstance(error, known.ClientError):
        return _refused(error.response, credentials, bucket, key, shown)
    if isinstance(error, known.NoCredentialsError | known.PartialCredentialsError):
        wanted = credentials.name("ACCESS_KEY", "SECRET_KEY")
        return AccessError("The store wants a login, and there is none.", where=shown, hint=f"Set {wanted}.")
    if isinstance(error, known.ProfileNotFound | known.ConfigNotFound | known.CredentialRetrievalError):
        return AccessError("The login of this machine for S3 cannot be read.", where=shown, hint="Look at AWS_PROFILE.")
    if isinstance(
        error, known.ParamValidationError | known.InvalidRegionError | known.InvalidEndpointConfigurationError
    ):
        reason = str(error).splitlines()[-1]
        return ConfigurationError(f"The address or its settings are not valid: {reason}", where=shown)
    if isinstance(error, ValueError) and "endpoint" in str(error).lower():
        return ConfigurationError(
            f"'{task.source.endpoint}' is no address of a store.", where=shown, hint="Write https://host:port."
        )
    return network.explain(error, where=shown, host=_host(task), seconds=task.timeout)


def _refused(response: Any, credentials: Credentials, bucket: str, key: str, shown: str) -> RepositoryError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
    own = credentials.keys is not None
    access, secret = credentials.name("ACCESS_KEY"), credentials.name("SECRET_KEY")
    used = (
        f"{access} and {secret}" if own else "the keys that this machine has (AWS_ACCESS_KEY_ID, a profile or a role)"
    )
    if code == "SignatureDoesNotMatch":
        return AccessError("The store does not accept the secret key.", where=shown, hint=_look(secret, own, used))
    if code in ("InvalidAccessKeyId", "InvalidToken", "ExpiredToken", "TokenRefreshRequired"):
        what = "session token" if "Token" in code else "access key"
        return AccessError(
            f"The store does not know the {what}, or it has expired.", where=shown, hint=_look(access, own, used)
        )
    if code == "RequestTimeTooSkewed":
        return DataError("The clock of this machine is wrong.", where=shown, hint="Set it; S3 allows 15 minutes.")
    if code == "NoSuchBucket":
        return DataError(f"There is no bucket '{bucket}'.", where=shown, hint="Correct 'address', or 'endpoint'.")
    if code in ("NoSuchKey", "404") or status == 404:
        return DataError(
            f"There is no object '{key}' in the bucket.",
            where=shown,
            hint="Correct 'address' (a prefix, for many objects, ends with '/') or 'changes_by'.",
        )
    if code in ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"):
        return DataError(
            f"The bucket '{bucket}' is in another region.", where=shown, hint="Set 'region' in data/sources.yaml."
        )
    if code == "InvalidObjectState":
        return DataError("The object is in an archive.", where=shown, hint="Restore it there first.")
    if code in ("AccessDenied", "403", "Forbidden", "AllAccessDisabled") or status in (401, 403):
        return AccessError(
            "There is no permission to read it.",
            where=shown,
            hint=f"Ask for s3:GetObject and s3:ListBucket on '{bucket}' for {used}."
            + ("" if own else f" Or set {access} and {secret}."),
        )
    return DataError(f"The store answered {code or status}.", where=shown, hint="Look at 'address' and 'endpoint'.")


def _look(variable: str, own: bool, used: str) -> str:
    return f"Look at {variable}: wrong, expired, or of another store." if own else f"Look at {used}."


def _host(task: Task) -> str:
    from urllib.parse import urlsplit

    return urlsplit(task.source.endpoint).netloc or "Amazon S3"
