"""The objects of a bucket by pages of a thousand; a million are a thousand requests, so nothing is done twice.

botocore makes an object of every value of a page, which costs more than its transfer. Here the few values that are
needed are taken from the answer before it is parsed, and the next page is fetched meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import unquote_plus

_ENTRY = re.compile(rb"<Contents>(.*?)</Contents>", re.DOTALL)
_VALUES = [
    re.compile(rb"<%b>(.*?)</%b>" % (name, name), re.DOTALL) for name in (b"Key", b"Size", b"ETag", b"LastModified")
]
_ENCODED = b"<EncodingType>url</EncodingType>"


@dataclass(frozen=True, slots=True)
class Item:
    """An object of a listing."""

    key: str
    size: int
    etag: str
    modified: str


def list_objects(client: Any, bucket: str, prefix: str) -> Iterator[Item]:
    """The objects below a prefix in the order of their keys.

    Args:
        client: botocore's client of the store; its listings are taken over.
        bucket: The bucket.
        prefix: What the keys begin with.

    Raises:
        botocore.exceptions.ClientError: The store refused.
    """
    client.meta.events.register("before-parse.s3.ListObjectsV2", _take, unique_id="mlopsgen-listing")
    with ThreadPoolExecutor(1) as pool:
        page = _page(client, bucket, prefix, "")
        while True:
            body, token = page
            ahead = pool.submit(_page, client, bucket, prefix, token) if token else None
            yield from _items(body)
            if ahead is None:
                return
            page = ahead.result()


def _page(client: Any, bucket: str, prefix: str, token: str) -> tuple[bytes, str]:
    more = {"ContinuationToken": token} if token else {}
    answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix, **more)
    return answer.get("Listing", b""), answer.get("NextContinuationToken", "") if answer.get("IsTruncated") else ""


def _take(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Keeps the body of a page, and leaves botocore what says whether there is another one."""
    if response_dict["status_code"] != 200:
        return
    body = response_dict["body"]
    customized_response_dict["Listing"] = body
    begin, end = body.find(b"<Contents>"), body.rfind(b"</Contents>")
    if begin >= 0:
        response_dict["body"] = body[:begin] + body[end + len(b"</Contents>") :]


def _items(body: bytes) -> Iterator[Item]:
    encoded = _ENCODED in body
    for entry in _ENTRY.findall(body):
        key, size, etag, modified = (_value(pattern, entry) for pattern in _VALUES)
        key = unescape(key)
        yield Item(unquote_plus(key) if encoded else key, int(size), unescape(etag), modified)


def _value(pattern: re.Pattern[bytes], entry: bytes) -> str:
    match = pattern.search(entry)
    return match[1].decode() if match else ""
