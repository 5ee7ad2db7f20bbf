"""What is looked at before a store is trusted: all but its records, which are looked at when read."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import apsw

from gateway.store import migrations
from gateway.store.errors import StoreError, from_sqlite
from gateway.store.small_rows import (
    CONSUMER,
    DELIVERED,
    LOSS,
    REMOVED,
    SALVAGE,
    SINK,
    STREAM,
    STRETCH,
    TABLES,
)

if TYPE_CHECKING:
    from gateway.store.ledger import Ledger

APPLICATION_ID = 0x66676174  # "fgat": what `file` tells of a store
INCREMENTAL = 2  # PRAGMA auto_vacuum: free pages can be given back to the file system
PAGE_OCTETS = 4096
# Those that decide about records; rows of the others are checked when they are read.
_DECIDING = (STREAM, SINK, DELIVERED, LOSS, STRETCH, REMOVED, SALVAGE, CONSUMER)
_FIXED = {
    "application_id": APPLICATION_ID,
    "auto_vacuum": INCREMENTAL,
    "page_size": PAGE_OCTETS,
    "encoding": "UTF-8",
}
_INTEGRITY = "PRAGMA integrity_check({most})"
_SCHEMA = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY name"


def prove(connection: apsw.Connection, ledger: Ledger) -> None:
    """Raise StoreError `corrupt` unless the store's frame is sound and its small tables are whole."""
    try:
        prove_frame(connection)
        if connection.readonly("main"):
            raise StoreError("corrupt", "the file calls itself of a version that SQLite cannot write")
        for table in TABLES:
            said = connection.pragma("quick_check", table.name)
            if said != "ok":
                raise StoreError("corrupt", f"table {table.name}: {said}")
        for table in _DECIDING:
            table.rows(connection)
        _ = ledger.last_id  # proves the newest record
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise from_sqlite("reading", error) from error


def prove_frame(connection: apsw.Connection) -> None:
    """Raise StoreError `corrupt` unless everything has the shape in which it was made."""
    for name, value in _FIXED.items():
        found = connection.pragma(name)
        if found != value:
            raise StoreError("corrupt", f"{name} is {found!r}, not {value!r}")
    if not is_complete(connection):
        raise StoreError("corrupt", "the tables are not those that were made")


def faults(connection: apsw.Connection, most: int) -> list[str]:
    """What SQLite finds wrong with the structure of the whole file. Reads all of it."""
    said = []
    try:
        for (line,) in connection.execute(_INTEGRITY.format(most=int(most))):
            said.append(str(line))
    except apsw.CorruptError as error:  # it ends at what it cannot read at all
        said.append(str(error))
    return [] if said == ["ok"] else said


def is_complete(connection: apsw.Connection) -> bool:
    """Whether all tables of this version are there, whatever version the file calls itself of."""
    return schema(connection) == expected_schema()


def schema(connection: apsw.Connection) -> list[Any]:
    """What the file says of its tables."""
    try:
        return connection.execute(_SCHEMA).fetchall()
    except UnicodeDecodeError as error:
        raise StoreError("corrupt", f"the names of the tables: {error}") from error


@cache
def expected_schema() -> list[Any]:
    """What it says when it is new."""
    made = apsw.Connection(":memory:")
    try:
        made.pragma("auto_vacuum", INCREMENTAL)
        for step in migrations.steps():
            made.execute(step)
        return schema(made)
    finally:
        made.close()
