"""What people write on a command line, as values."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import click

EPOCH = date(1970, 1, 1)
UNKNOWN = "unknown"  # the day while nobody vouches for the gateway's clock
_NS_PER_S = 1_000_000_000


class NodeUid(click.ParamType[bytes]):
    """A node's uid as hexadecimal digits."""

    name = "uid"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Its octets."""
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str) or re.fullmatch(r"(?:[0-9a-fA-F]{2}){6,8}", value) is None:
            self.fail(f"{value!r} is not a node's uid: 12 to 16 hexadecimal digits", param, ctx)
        return bytes.fromhex(value)


class Day(click.ParamType[int]):
    """A day of UTC, as days since 1970."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of the day; -1 for UNKNOWN."""
        if isinstance(value, int):
            return value
        try:
            return -1 if value == UNKNOWN else (date.fromisoformat(str(value)) - EPOCH).days
        except ValueError:
            self.fail(f"{value!r} is neither a day like 2026-11-24 nor '{UNKNOWN}'", param, ctx)


class Moment(click.ParamType[int]):
    """A moment of UTC, as nanoseconds since 1970."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """A day is its beginning; without an offset, a time is UTC."""
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time like 2026-11-24 or 2026-11-24T18:30", param, ctx)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp()) * _NS_PER_S
