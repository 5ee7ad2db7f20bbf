"""A node's application as one file: looked through before a node is bothered with it.

docs/link-protocol.md has its form; provisioning/package.py makes it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from wire.remote import APPLICATION_MARK, APPLICATION_MOST

MANIFEST = "application.json"


class Damaged(Exception):
    """It is no package, or not a whole one; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """`digest`: SHA-256 of its manifest, by which a node names the application that it runs."""

    octets: bytes
    version: str
    digest: bytes


def read(octets: bytes) -> Package:
    """Look through the whole of it. Raises Damaged."""
    if len(octets) > APPLICATION_MOST:
        raise Damaged(f"{len(octets)} octets, limit {APPLICATION_MOST}")
    if not octets.startswith(APPLICATION_MARK):
        raise Damaged(f"it does not begin with '{APPLICATION_MARK.decode().strip()}'")
    files = _files(octets)
    manifest = files.pop(MANIFEST, b"")
    try:
        said = json.loads(manifest)
        version, digests = str(said["version"]), dict(said["files"])
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"{MANIFEST} is missing or not readable") from None
    if digests != {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}:
        raise Damaged(f"its files are not those that {MANIFEST} names")
    return Package(octets=octets, version=version, digest=hashlib.sha256(manifest).digest())


def _files(octets: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    at = octets.find(b"\n") + 1
    while 0 < at < len(octets):
        end = octets.find(b"\n", at)
        name, _, size = octets[at:end].partition(b" ")
        if end < 0 or not size.isdigit() or end + 1 + int(size) > len(octets):
            raise Damaged(f"it ends in the middle of a file, or is no package from octet {at} on")
        at = end + 1 + int(size)
        found[name.decode("utf-8", "replace")] = octets[end + 1 : at]
    return found
