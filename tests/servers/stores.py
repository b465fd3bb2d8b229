"""S3: OpenStack Swift with its s3api, which checks signatures as Amazon does."""

from __future__ import annotations

import contextlib
import os
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.canaries import canary
from tests.servers import running

OWNER, VISITOR = "mlops:admin", "mlops:visitor"
SECRET, VISITOR_SECRET = canary("S3owner"), canary("S3visitor")
PYTHON = "/usr/bin/python3"
"""Swift is installed for the distribution's Python."""

_PIPELINE = (
    "catch_errors gatekeeper cache listing_formats s3api tempauth copy slo dlo versioned_writes symlink proxy-server"
)
_RINGS = """
import sys
from swift.common.ring import RingBuilder
for kind, port in (text.split("=") for text in sys.argv[2:]):
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "sdb1", "weight": 1})
    builder.rebalance()
    builder.get_ring().save(f"{sys.argv[1]}/{kind}.ring.gz")
"""
"""What swift-ring-builder does, for three rings at once."""

_LAUNCHER = """
import sys
from swift.common import utils, storage_policy
utils.SWIFT_CONF_FILE = storage_policy.SWIFT_CONF_FILE = sys.argv[1]
utils.validate_hash_conf()
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi(sys.argv[3], sys.argv[2]))
"""


@dataclass
class Store:
    """A running store.

    Attributes:
        endpoint: Its address.
    """

    endpoint: str


@contextlib.contextmanager
def swift() -> Iterator[Store]:
    """One proxy, one server of each kind, one device."""
    assert running.program("swift-proxy-server")
    with running.folder(None) as folder:
        ports = {name: running.free_port() for name in ("account", "container", "object", "proxy", "memcached")}
        (folder / "device" / "sdb1").mkdir(parents=True)
        _configure(folder, ports)
        kinds = [f"{kind}={ports[kind]}" for kind in ("account", "container", "object")]
        running.run([PYTHON, "-c", _RINGS, str(folder), *kinds])
        (folder / "launch.py").write_text(_LAUNCHER, encoding="utf-8")
        commands = [[running.program("memcached"), "-l", "127.0.0.1", "-p", str(ports["memcached"]), "-u", "root"]]
        for name in ("account", "container", "object", "proxy"):
            section = "proxy-server" if name == "proxy" else f"{name}-server"
            configuration = str(folder / f"{name}.conf")
            commands.append([PYTHON, str(folder / "launch.py"), str(folder / "swift.conf"), section, configuration])
        with running.serving(
            commands, folder / "log.txt", ready=lambda: all(running.answers(port) for port in ports.values())
        ):
            yield Store(f"http://127.0.0.1:{ports['proxy']}")


def _configure(folder: Path, ports: dict[str, int]) -> None:
    user = os.environ.get("USER") or "root"
    if os.geteuid() == 0:
        user = "root"
    common = f"""
        bind_ip = 127.0.0.1
        swift_dir = {folder}
        user = {user}
        workers = 0
        log_address = {folder / "none"}
        """
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = tests\nswift_hash_path_prefix = tests\n"
        "[storage-policy:0]\nname = one\ndefault = yes\n",
        encoding="utf-8",
    )
    for kind in ("account", "container", "object"):
        _write(
            folder / f"{kind}.conf",
            f"""
            [DEFAULT]
            {common}
            bind_port = {ports[kind]}
            devices = {folder / "device"}
            mount_check = false
            fallocate_reserve = 0
            recon_cache_path = {folder}
            [pipeline:main]
            pipeline = {kind}-server
            [app:{kind}-server]
            use = egg:swift#{kind}
            """,
        )
    filters = {
        "cache": f"use = egg:swift#memcache\nmemcache_servers = 127.0.0.1:{ports['memcached']}",
        "s3api": "use = egg:swift#s3api\nlocation = us-east-1\ns3_acl = false\ndns_compliant_bucket_names = true",
        "tempauth": f"use = egg:swift#tempauth\nuser_mlops_admin = {SECRET} .admin\n"
        f"user_mlops_visitor = {VISITOR_SECRET}",
        "versioned_writes": "use = egg:swift#versioned_writes\nallow_object_versioning = true",
    }
    named = [name for name in _PIPELINE.split() if name != "proxy-server"]
    blocks = "\n".join(f"[filter:{name}]\n{filters.get(name, f'use = egg:swift#{name}')}" for name in named)
    text = textwrap.dedent(common).strip()
    (folder / "proxy.conf").write_text(
        f"[DEFAULT]\n{text}\nbind_port = {ports['proxy']}\n[pipeline:main]\npipeline = {_PIPELINE}\n"
        f"[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n{blocks}\n",
        encoding="utf-8",
    )


def _write(path: Path, text: str) -> None:
    path.write_text("\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n", encoding="utf-8")
