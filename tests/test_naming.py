"""Names and addresses: what is refused, and that a reason is given."""

from __future__ import annotations

import keyword
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsgen import naming
from tests.matrix import HOST_KEY

LONG = "a" * 300
BAD_NAMES = [
    "", " ", "  ", " demo", "demo ", "-demo", "--help", "_demo", ".git", "..", "a/b", "a\\b", "a'b", 'a"b', "a`b`",
    "$(id)", "a;b", "a&b", "a|b", "a<b>", "a\nb", "a\tb", "a\x00b", "a\u202eb", "a\u200bb", "a:b", "a*b", "a?b", "a{b}",
    "[[ a ]]", "{{ a }}", "[% a %]", "a~b", "a^b", "a@{b", "a#b", "a%b", "a!b", "a=b", "a,b", "\N{PILE OF POO}", LONG,
]  # fmt: skip
BAD_SLUGS = [
    "", "-", "-a", "a-", "a--b", "A", "Demo", "a_b", "a.b", "a b", "1a", "é", "日本", "con", "nul", "com1", "lpt9",
    "class", "import", "none-", "lambda", "src", "steps", "helpers", "pipelines", "kfp", "mlflow", "pandas", "a/b",
    "a'b", "a\n", "a" * 41, LONG, "head~1", "a..b", "a.lock", "[[a]]",
]  # fmt: skip
BAD_ENDPOINTS = [
    "", "x", "example.org", "ftp://example.org", "http://", "https://", "http:///path", "//example.org", "file:///etc",
    "http://user:secret@example.org", "https://token@example.org", "http://a b", "http://a\n", "http://a:99999",
    "http://a:x", "http://[::1", "javascript:alert(1)", "http://a:0", "https://" + LONG * 2,
]  # fmt: skip
BAD_EMAILS = [
    "",
    "a",
    "a@b",
    "@b.c",
    "a@",
    "a b@c.d",
    "a@b.c,d@e.f",
    "<a@b.c>",
    "a@b@c.d",
    "a@b'c.d",
    "a\n@b.c",
    LONG + "@b.c",
]
BAD_NAMESPACES = ["A", "a_b", "-a", "a-", "a.b", "é", "a b", "a" * 64, ""]
BAD_REVIEWERS = ["", "-a", "a-", "a/b/c", "/a", "a/", "a b", "a@b", LONG, "é"]
BAD_METRICS = ["", "Rmse", "1a", "a-b", "a b", LONG, "é", "a.b"]
PRIVATE = "OPENSSH PRIVATE KEY"
BAD_SSH = [
    "", "bastion", "a@", "@b", "-oProxyCommand=x@b", "a@-b", "a@b:0", "a@b:70000", "a@b:x", "ssh://a@b", "a:secret@b",
    "a b@c", "a@b c", "a@b\n", "a@b@c", "é@b", f"a@{LONG}", "a@::1",
]  # fmt: skip
BAD_HOST_KEYS = [
    "", "x", "SHA256:abc", f"bastion.example.org {HOST_KEY}", HOST_KEY[:-8], HOST_KEY.replace("AAAAC3", "AAAAC4"),
    f"{HOST_KEY}\nx", HOST_KEY.replace("ssh-ed25519", "ssh-rsa"), HOST_KEY.replace("ssh-ed25519", "ssh-dss"),
    HOST_KEY.split()[1], "ssh-ed25519 AAAA", f"-----BEGIN {PRIVATE}-----", f"{HOST_KEY} {LONG * 20}",
]  # fmt: skip
BAD_RUNNERS = ["", ",", "a,", ",a", "a;b", "a b", "${{ x }}", LONG, "-a"]


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (check, text)
        for check, texts in [
            (naming.check_project_name, BAD_NAMES),
            (naming.check_slug, BAD_SLUGS),
            (naming.check_endpoint, BAD_ENDPOINTS),
            (naming.check_tracking, BAD_ENDPOINTS[1:]),
            (naming.check_email, BAD_EMAILS),
            (naming.check_namespace, BAD_NAMESPACES),
            (naming.check_reviewer, BAD_REVIEWERS),
            (naming.check_metric_name, BAD_METRICS),
            (naming.check_runner, BAD_RUNNERS),
            (naming.check_ssh, BAD_SSH),
            (naming.check_ssh_host_key, BAD_HOST_KEYS),
            (
                naming.check_data_address,
                ["", " ", "ftp://a/b", "http://u:p@h/a.csv", "a\nb", "s3://k:s@b/c", "mysql://h/db", LONG * 2],
            ),
        ]
        for text in texts
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(check, text):
    reason = check(text)
    assert reason, f"{text!r} was accepted"
    assert "secret" not in reason


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (naming.check_project_name, "Übung 3"),
        (naming.check_project_name, "日本"),
        (naming.check_project_name, "हिन्दी"),
        (naming.check_slug, "a"),
        (naming.check_slug, "wine-quality-2"),
        (naming.check_endpoint, "https://kubeflow.example.org:8443/pipeline?x=1"),
        (naming.check_endpoint, "http://[::1]:8080"),
        (naming.check_tracking, ""),
        (naming.check_tracking, "sqlite:////srv/ml flow/mlflow.db"),
        (naming.check_data_address, "data/sub folder/é.csv"),
        (naming.check_data_address, "https://example.org/a%20b.csv?token-free=1"),
        (naming.check_data_address, "s3://bucket/a.parquet"),
        (naming.check_data_address, "mysql://h:3306/db#orders"),
        (naming.check_email, "a.b+c@example.org"),
        (naming.check_email, "o'neil@example.com"),
        (naming.check_reviewer, "octo-org/ml.team"),
        (naming.check_runner, "self-hosted, gpu"),
        (naming.check_ssh, "tunnel_1.a-b@bastion.example.org:2222"),
        (naming.check_ssh, "root@[::1]:22"),
        (naming.check_ssh_host_key, HOST_KEY),
        (naming.check_ssh_host_key, f"{HOST_KEY} keeper's key #1"),
    ],
)
def test_what_works_is_accepted(check, text):
    assert check(text) is None


@given(st.text(max_size=80))
def test_a_slug_is_empty_or_has_its_form_and_is_its_own_slug(name):
    slug = naming.slug_of(name)
    assert slug == "" or (re.fullmatch(naming.SLUG_PATTERN, slug) and len(slug) <= naming.LONGEST_SLUG)
    assert naming.slug_of(slug) == slug


@given(st.text(max_size=80))
def test_no_check_ever_raises(text):
    for name in dir(naming):
        if name.startswith("check_"):
            assert getattr(naming, name)(text) is None or isinstance(getattr(naming, name)(text), str)


def test_an_accepted_slug_is_no_word_of_python():
    assert all(naming.check_slug(word) for word in keyword.kwlist if word.islower())


def test_accents_are_dropped():
    assert naming.slug_of("Jöhn's Modèl №1") == "john-s-model-no1"
