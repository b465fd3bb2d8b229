"""Data in a store of objects that speaks S3: one object, or all below a prefix as one table."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from helpers.data import s3_errors, s3_listing
from helpers.data.combine import combine
from helpers.data.limits import refuse_size
from helpers.data.listing import wanted
from helpers.data.place import (
    CHEAP_BYTES,
    Fetched,
    Place,
    State,
    Task,
    cut_at_line,
    digest_of,
    fingerprint_of,
    shown_address,
    write_chunks,
)
from helpers.errors import ConfigurationError, DataError

_PARALLEL = 16
_PAGES_OF_FACTS = 20


def s3_place(task: Task) -> ObjectPlace | PrefixPlace:
    """The object, or the prefix where the address ends with ``/`` or holds a ``*``."""
    bucket, _, key = unquote(task.address.split("://", 1)[1]).partition("/")
    if not bucket:
        raise ConfigurationError("The address names no bucket.", where=task.address, hint="Write s3://bucket/key.")
    if "*" in key:
        prefix = key.split("*", 1)[0].rpartition("/")[0]
        prefix = f"{prefix}/" if prefix else ""
        return PrefixPlace(task, bucket, prefix, key.removeprefix(prefix))
    if not key or key.endswith("/"):
        return PrefixPlace(task, bucket, key)
    return ObjectPlace(task, bucket, key)


def connect(task: Task) -> Any:
    """A client of the store."""
    import botocore.config
    import botocore.session

    source = task.source
    keys = task.credentials().keys
    access, secret, token = keys or (None, None, None)
    session = botocore.session.Session()
    region = source.region or session.get_config_variable("region") or "us-east-1"
    bundle = task.environ.get("AWS_CA_BUNDLE") or task.environ.get("REQUESTS_CA_BUNDLE")
    return session.create_client(
        "s3",
        region_name=region,
        endpoint_url=source.endpoint or None,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        aws_session_token=token,
        verify=bundle or task.environ.get("SSL_CERT_FILE") or None,
        config=botocore.config.Config(
            connect_timeout=task.connect_timeout,
            read_timeout=task.timeout,
            retries={"mode": "standard", "total_max_attempts": 2},
            max_pool_connections=_PARALLEL,
            s3={"addressing_style": "path"} if source.endpoint else {},
            # Checksums of newer kinds are not known to most stores but Amazon's.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


class _Store(Place):
    """What an object and a prefix share."""

    def __init__(self, task: Task, bucket: str) -> None:
        self.task = task
        self.bucket = bucket
        self.shown = shown_address(task.address)
        self.asked = ""
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The client; made when it is first needed, so that its errors are told as all others."""
        if self._client is None:
            self._client = connect(self.task)
        return self._client

    def get(self, key: str) -> Any:
        """An object with its body still to be read; unlike HEAD, the answer says why when there is none."""
        self.asked = key
        return self.client.get_object(Bucket=self.bucket, Key=key)

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turns what botocore raises into errors for people."""
        import botocore.exceptions

        try:
            yield
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError, ValueError) as error:
            told = s3_errors.explain(error, task=self.task, bucket=self.bucket, key=self.asked, shown=self.shown)
            if told is None:
                raise
            raise told from None


class ObjectPlace(_Store):
    """One object."""

    def __init__(self, task: Task, bucket: str, key: str) -> None:
        super().__init__(task, bucket)
        self.key = key

    def state(self) -> State:
        """Its ETag."""
        with self.translated():
            answer = self.get(self.key)
            answer["Body"].close()
            return _state(answer)

    def fetch(self, to: Path) -> Fetched:
        """Brings the whole object."""
        with self.translated():
            answer = self.get(self.key)
            with contextlib.closing(answer["Body"]) as body:
                state = _state(answer)
                refuse_size(self.task.source, state.size, self.shown)
                fingerprint, size = write_chunks(body.iter_chunks(1 << 20), to, self.shown)
        return Fetched(path=to, address=self.shown, fingerprint=fingerprint, size=size, revision=state.revision)

    def sample(self, to: Path, limit: int) -> bool:
        """Brings the beginning of the object."""
        with self.translated():
            answer = self.get(self.key)
            with contextlib.closing(answer["Body"]) as body:
                _, size = write_chunks(body.iter_chunks(1 << 20), to, self.shown, limit=limit)
        if size == answer["ContentLength"]:
            return True
        cut_at_line(to)
        return False

    def end(self, count: int) -> bytes:
        """Its last bytes."""
        with self.translated():
            answer = self.client.get_object(Bucket=self.bucket, Key=self.key, Range=f"bytes=-{count}")
            with contextlib.closing(answer["Body"]) as body:
                return bytes(body.read())

    def content(self) -> str:
        """Reads what is small: the same bytes have another ETag when they were uploaded in other parts."""
        with self.translated():
            answer = self.get(self.key)
            with contextlib.closing(answer["Body"]) as body:
                cheap = answer["ContentLength"] <= CHEAP_BYTES
                return fingerprint_of(body.iter_chunks(1 << 20)) if cheap else ""


class PrefixPlace(_Store):
    """All objects below a prefix, as one table."""

    def __init__(self, task: Task, bucket: str, prefix: str, pattern: str = "") -> None:
        super().__init__(task, bucket)
        self.prefix = prefix
        self.pattern = pattern

    def state(self) -> State:
        """The ETags of all objects; of a prefix with a marker, that of the marker."""
        marker = self.task.source.changes_by
        with self.translated():
            if marker:
                answer = self.get(self.prefix + marker)
                answer["Body"].close()
                found = _state(answer)
                return State(revision=f"marker:{found.revision}", modified=found.modified)
            return self._summed(None)

    def facts(self) -> State:
        """The first pages of the listing."""
        if self.task.source.changes_by:
            return self.state()
        with self.translated():
            return self._summed(_PAGES_OF_FACTS)

    def fetch(self, to: Path) -> Fetched:
        """Brings all objects, several at a time, and writes them to one file."""
        state = self.state()
        with self.translated():
            objects = self._objects()
        refuse_size(self.task.source, sum(item.size for item in objects), self.shown)
        fingerprint = self._bring(objects, to)
        size = to.stat().st_size
        return Fetched(path=to, address=self.shown, fingerprint=fingerprint, size=size, revision=state.revision)

    def sample(self, to: Path, limit: int) -> bool:
        """Brings the first objects."""
        with self.translated():
            objects = self._objects(most=1000)
        chosen: list[s3_listing.Item] = []
        size = 0
        for item in objects:
            if chosen and size + item.size > limit:
                break
            chosen.append(item)
            size += item.size
        self._bring(chosen, to)
        return len(chosen) == len(objects) and len(objects) < 1000

    def _summed(self, pages: int | None) -> State:
        """The listing, or the first pages of it."""
        digest, files, size, newest = hashlib.sha256(), 0, 0, ""
        whole = True
        for number, page in enumerate(self._pages(), 1):
            files += len(page)
            size += sum(item.size for item in page)
            newest = max(newest, *(item.modified for item in page))
            digest.update("".join(f"{item.key}\0{item.size}\0{item.etag}\n" for item in page).encode())
            if number == pages:
                whole = False
                break
        if not files:
            raise self._empty()
        return State(
            revision=f"listing:sha256:{digest.hexdigest()}",
            size=size,
            files=files,
            modified=datetime.fromisoformat(newest) if newest else None,
            whole=whole,
        )

    def _pages(self) -> Iterator[list[s3_listing.Item]]:
        """The objects of data, page by page, without pages that hold none."""
        start, pattern = len(self.prefix), self.pattern
        for page in s3_listing.list_objects(self.client, self.bucket, self.prefix):
            kept = [item for item in page if wanted(item.key[start:], pattern)]
            if kept:
                yield kept

    def _objects(self, most: int | None = None) -> list[s3_listing.Item]:
        found: list[s3_listing.Item] = []
        for page in self._pages():
            found += page
            if most is not None and len(found) >= most:
                break
        if not found:
            raise self._empty()
        return found

    def _empty(self) -> DataError:
        return DataError(
            "There are no objects of data below this prefix.",
            where=self.shown,
            hint="Correct 'address'; objects whose name begins with a point or an underscore do not count.",
        )

    def _bring(self, objects: list[s3_listing.Item], to: Path) -> str:
        with tempfile.TemporaryDirectory(prefix="data-") as folder:

            def bring(number: int) -> str:
                item = objects[number]
                with self.translated(), contextlib.closing(self.get(item.key)["Body"]) as body:
                    where = f"{self.shown} ({item.key})"
                    return write_chunks(body.iter_chunks(1 << 20), Path(folder, f"{number:07}"), where)[0]

            with ThreadPoolExecutor(_PARALLEL) as pool:
                digests = list(pool.map(bring, range(len(objects))))
            named = [(item.key, Path(folder, f"{number:07}")) for number, item in enumerate(objects)]
            combine(named, self.task.source, to, self.shown)
        names = [item.key.removeprefix(self.prefix) for item in objects]
        return digest_of(
            f"{name}\0{digest.removeprefix('sha256:')}" for name, digest in zip(names, digests, strict=True)
        )


def _state(answer: Any) -> State:
    return State(
        revision=f"etag:{answer['ETag']}", size=int(answer["ContentLength"]), modified=answer.get("LastModified")
    )
