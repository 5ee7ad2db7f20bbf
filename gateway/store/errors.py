"""What can be wrong with the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apsw


class StoreError(Exception):
    """`reason` is a stable word: in_use, newer, pragma, busy, io, full, no_inodes, read_only, denied,
    missing, moved, corrupt, sequence, unstorable, ended, sink or database; the message says what and where.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


# By the name of apsw's exception.
_REASONS = {
    "BusyError": "busy",
    "LockedError": "busy",
    "IOError": "io",
    "CantOpenError": "io",
    "FullError": "full",
    "ReadOnlyError": "read_only",
    "PermissionsError": "read_only",
    "CorruptError": "corrupt",
    "NotADBError": "corrupt",
    "ConstraintError": "corrupt",  # a row stands where this program knows that there is none
    "MismatchError": "corrupt",
}


def from_sqlite(doing: str, error: apsw.Error) -> StoreError:
    """SQLite's error as ours: what was being done, and what SQLite says."""
    name = type(error).__name__
    code = getattr(error, "extendedresult", None)
    number = f" (SQLite code {code})" if code is not None else ""
    return StoreError(_REASONS.get(name, "database"), f"{doing}: {error or name}{number}")
