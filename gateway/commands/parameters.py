"""What people write on a command line, as values."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import click

EPOCH = date(1970, 1, 1)
UNKNOWN = "unknown"  # the day while nobody vouches for the gateway's clock
_NS_PER_S = 1_000_000_000
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


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


class Duration(click.ParamType[int]):
    """A time as 90s, 10m, 2h or 1d, in seconds; `most` of them."""

    name = "time"

    def __init__(self, most: int) -> None:
        self._most = most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,6})([smhd]?)", str(value))
        if found is None:
            self.fail(f"{value!r} is no time like 90s, 10m or 2h", param, ctx)
        seconds = int(found[1]) * _UNITS_S[found[2] or "s"]
        if seconds > self._most:
            self.fail(f"{value!r} is over {self._most} s", param, ctx)
        return seconds


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
