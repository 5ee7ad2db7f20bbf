"""What can be wrong with an archive."""

from __future__ import annotations


class BadEntry(Exception):
    """An entry is not one. `reason` is `entry` or `version`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ArchiveError(Exception):
    """`reason` is a stable word: not_an_archive, version, truncated, damaged, trailing, entry, order, limit.

    The message says what and where: `entry` counts from 0, `offset` is in octets of the content as it
    is without compression.
    """

    def __init__(self, reason: str, detail: str, *, entry: int, offset: int | None = None) -> None:
        place = f"entry {entry}" + ("" if offset is None else f", octet {offset} of the content")
        super().__init__(f"{reason}: {detail} ({place})")
        self.reason = reason
        self.entry = entry
        self.offset = offset
