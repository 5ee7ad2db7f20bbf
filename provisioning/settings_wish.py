"""What /settings.json is to be: a file, or the present one with another name or site."""

from __future__ import annotations

import json
from dataclasses import dataclass

from wire.fields import TEXT_LIMIT
from wire.remote import SETTINGS_MOST


class InvalidSettings(Exception):
    """The settings asked for cannot be written: the message names the file or option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsWish:
    """`file`: content of the file given, `source` what to call it. `name`, `site`: None keeps what is."""

    file: bytes | None = None
    source: str = ""
    name: str | None = None
    site: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without a board. Raises InvalidSettings."""
        if self.file is not None:
            _parsed(self.file, self.source)
        for option, text in (("--name", self.name), ("--site", self.site)):
            if text is not None and len(text.encode()) > TEXT_LIMIT:
                raise InvalidSettings(f"{option}: over {TEXT_LIMIT} octets")

    def resolve(self, present: bytes | None) -> bytes | None:
        """The new content of /settings.json, None to leave it alone. Raises InvalidSettings."""
        if not self._changes_node:
            return self.file
        if self.file is not None:
            values = _parsed(self.file, self.source)
        elif present is None:
            values = {}
        else:
            values = _parsed(present, "/settings.json on the board")
        node = values.setdefault("node", {})
        if not isinstance(node, dict):
            raise InvalidSettings(f"{self.source or '/settings.json on the board'}: node: not an object")
        node.update(
            {key: text for key, text in (("name", self.name), ("site", self.site)) if text is not None}
        )
        octets = json.dumps(values, ensure_ascii=False, indent=1).encode() + b"\n"
        if len(octets) > SETTINGS_MOST:
            raise InvalidSettings(f"the settings would be {len(octets)} octets, limit {SETTINGS_MOST}")
        return octets

    @property
    def _changes_node(self) -> bool:
        return self.name is not None or self.site is not None


def link_via(settings: bytes | None) -> str:
    """The line that the link will use: "console", "uart" or "wifi"; with two of them the cable."""
    try:
        via = json.loads(settings or b"{}")["link"]["via"]
        via = via[0] if isinstance(via, list) and via else via
    except (ValueError, KeyError, TypeError, RecursionError):
        return "console"
    return via if via in ("uart", "wifi") else "console"


def _parsed(octets: bytes, source: str) -> dict[str, object]:
    if len(octets) > SETTINGS_MOST:
        raise InvalidSettings(f"{source}: {len(octets)} octets, limit {SETTINGS_MOST}")
    try:
        values = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise InvalidSettings(f"{source}: not JSON: {error}") from None
    if not isinstance(values, dict):
        raise InvalidSettings(f"{source}: not an object")
    return values
