"""What is secret in a node's settings: nobody is shown it, and whoever edits what was shown keeps it."""

from __future__ import annotations

import json
from typing import Any

from wire.remote import HIDDEN  # a node refuses it, wherever it comes from

_LINK = "link"
# Where one lies in `link`, and beside it what it belongs to: kept only where that stays the same.
_SECRETS = (("wifi", "key", "ssid"), ("broker", "password", "user"))


def hidden(settings: bytes) -> bytes:
    """The settings as they may be shown: octet by octet where nothing can be secret. Raises ValueError."""
    values = _parsed(settings)
    if not isinstance(values, dict) or _LINK not in values:
        return settings
    for part, secret, _ in _SECRETS:
        if _part(values, part).get(secret):
            _part(values, part)[secret] = HIDDEN
    return _written(values)


def kept(settings: bytes, in_force: bytes) -> bytes:
    """New settings with what is hidden in them taken from those in force.

    It stays hidden where the latter have none for the same network or user: the node says so.
    """
    try:
        values, old = _parsed(settings), _parsed(in_force)
    except ValueError:
        return settings
    for part, secret, owner in _SECRETS:
        new, before = _part(values, part), _part(old, part)
        if new.get(secret) == HIDDEN and new.get(owner) == before.get(owner):
            new[secret] = before.get(secret, HIDDEN)
    return _written(values)


def _parsed(settings: bytes) -> object:
    try:
        return json.loads(settings, strict=False)  # a node's own JSON is not strict with control characters
    except RecursionError:
        raise ValueError("nested too deep") from None


def _part(values: object, name: str) -> dict[str, Any]:
    for key in (_LINK, name):
        values = values.get(key) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}


def _written(values: object) -> bytes:
    return json.dumps(values, ensure_ascii=False, indent=1).encode() + b"\n"
