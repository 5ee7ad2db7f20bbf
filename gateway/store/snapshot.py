"""One moment of a store, beside an agent or without one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from gateway.store.errors import StoreError, from_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_TIMEOUT_MS = 5000  # an agent that starts holds the file for its checkpoint

_BEGIN = "BEGIN"
_NOW = "SELECT count(*) FROM sink"  # the transaction begins with the first row that is read


@contextmanager
def snapshot(path: Path) -> Iterator[apsw.Connection]:
    """A connection that cannot write, and that sees the store as it is now until the end of the block.

    What the agent writes meanwhile goes into the WAL, which grows until then. Raises StoreError, also
    for what goes wrong in the block: `missing` where there is no store.
    """
    try:
        if not path.exists():
            raise StoreError("missing", f"{path}: there is no store")
    except OSError as error:
        raise StoreError("denied", f"{path}: {error.strerror}") from error
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            connection.execute(_BEGIN)
            connection.execute(_NOW).get  # noqa: B018 - read, to begin
            yield connection
        finally:
            connection.close()
    except apsw.Error as error:
        raise from_sqlite(f"reading {path}", error) from error
