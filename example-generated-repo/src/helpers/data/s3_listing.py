"""The objects of a bucket by pages of a thousand; a million are a thousand requests, so nothing is done twice.

botocore makes an object of every value of a page, which costs more than its transfer. Here the few values that are
needed are taken from the answer before it is parsed, and the next page is fetched meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

_FIELD = re.compile(r"<(Key|Size|ETag|LastModified)>([^<]*)</")
_FIELDS = 4
_ENCODED = b"<EncodingType>url</EncodingType>"


class Item(NamedTuple):
    """An object of a listing."""

    key: str
    size: int
    etag: str
    modified: str


def list_objects(client: Any, bucket: str, prefix: str) -> Iterator[list[Item]]:
    """The objects below a prefix in the order of their keys, page by page.

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
            yield _items(body)
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


def _items(body: bytes) -> list[Item]:
    encoded = _ENCODED in body
    found = []
    entry: dict[str, str] = {}
    for name, value in _FIELD.findall(body.replace(b"&quot;", b'"').decode()):
        entry[name] = value
        if len(entry) == _FIELDS:
            key = unescape(entry["Key"]) if "&" in entry["Key"] else entry["Key"]
            if encoded and ("%" in key or "+" in key):
                key = unquote_plus(key)
            found.append(Item(key, int(entry["Size"]), entry["ETag"], entry["LastModified"]))
            entry = {}
    return found
