"""Rows out of raw pages: what their checks prove, wherever it lies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.store.ledger import Stream
from gateway.store.raw_pages import PAGE
from gateway.store.records import Stored, is_whole
from gateway.store.small_rows import DEAD_LETTER, HOST_BOOT, STREAM, TABLES
from wire.up import descriptor_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.store.raw_pages import RawPages
    from gateway.store.small_rows import Row, Table

_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 13, 10, 2  # 1.6
_HEADS = {_TABLE_LEAF: 8, _INDEX_LEAF: 8, _INDEX_INTERIOR: 12}  # octets before the places of the cells
_FILE_HEADER = 100  # before the first page's own
_ROWID_TABLES = {DEAD_LETTER, HOST_BOOT}  # their first column is the row's number, and stored as NULL
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # 2.1: serial type, octets
_FALSE, _TRUE = 8, 9
_BLOB = 12
_MOST_LOCAL = {_TABLE_LEAF: PAGE - 35, _INDEX_LEAF: (PAGE - 12) * 64 // 255 - 23}
_MOST_LOCAL[_INDEX_INTERIOR] = _MOST_LOCAL[_INDEX_LEAF]
_LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
_RECORD_WIDTH = len(Stored._fields) + 1
_LONGEST = 256 * 1024  # octets of a row; a descriptor is much shorter

# The head of a row of `record`: its size, NULL for the id, then octets and numbers as in its columns.
_NUMBER = rb"[\x01-\x06\x08\x09]"
_OCTETS = rb"(?:[\x0c-\x7f]|[\x81-\xff][\x00-\x7f])"
_RECORD = re.compile(
    rb"(?=[\x0d-\x0f]\x00" + _OCTETS + _NUMBER * 5 + _OCTETS + _OCTETS + _NUMBER * 3 + rb")", re.DOTALL
)


class Descriptor(NamedTuple):
    """One row of `descriptor`."""

    hash: bytes
    body: bytes


def records_in(page: bytes) -> Iterator[Stored]:
    """All whole records in the octets of a page, whatever is wrong with the rest of it."""
    for match in _RECORD.finditer(page):
        at = match.start()
        columns = _columns(page[at:])
        if columns is None:
            continue
        _none, *fields, crc = columns[0]
        for id_ in _ids_before(page, at, columns[1]):
            record = Stored._make((*fields, id_))
            if is_whole(record, crc):
                yield record
                break


def streams_in(page: bytes) -> Iterator[Stream]:
    """The whole rows of `stream` on a page, by its places of cells."""
    if page[0] in {_INDEX_LEAF, _INDEX_INTERIOR}:
        for _number, payload in _payloads(None, 0, page):
            columns = _columns(payload)
            if columns is not None and STREAM.whole(columns[0]):
                yield Stream._make(columns[0][:-1])


def small_rows_in(pages: RawPages) -> Iterator[tuple[Table, Row] | Descriptor]:
    """All whole rows of the other tables, in no order; more than one of a key where old ones lie about."""
    for number, page in pages.in_use():
        for number_of_row, payload in _payloads(pages, number, page):
            columns = _columns(payload)
            if columns is None:
                continue
            if number_of_row and len(columns[0]) == _RECORD_WIDTH:
                break  # nearly all pages are of records, and no other table of their kind is as wide
            yield from _small_row(number_of_row, columns[0])


def _small_row(number: int, columns: Row) -> Iterator[tuple[Table, Row] | Descriptor]:
    if len(columns) == len(Descriptor._fields):
        descriptor = Descriptor(*columns)
        if isinstance(descriptor.body, bytes) and descriptor_hash(descriptor.body) == descriptor.hash:
            yield descriptor
        return
    for table in _BY_WIDTH.get(len(columns), ()):
        row = (number, *columns[1:]) if table in _ROWID_TABLES else columns
        if table.whole(row):
            yield table, row[:-1]


def _payloads(pages: RawPages | None, number: int, page: bytes) -> Iterator[tuple[int, bytes]]:
    """(row number or 0, octets of the row) of every cell of a page."""
    head = _FILE_HEADER if number == 1 else 0
    kind = page[head]
    if kind not in _HEADS:
        return
    count = int.from_bytes(page[head + 3 : head + 5], "big")
    begin = head + _HEADS[kind]
    for at in range(begin, min(begin + 2 * count, PAGE - 1), 2):
        place = int.from_bytes(page[at : at + 2], "big") + (4 if kind == _INDEX_INTERIOR else 0)
        octets, place = _varint(page, place)
        number_of_row = 0
        if kind == _TABLE_LEAF:
            number_of_row, place = _varint(page, place)
        payload = _payload(pages, page, place, octets, kind)
        if payload is not None:
            yield number_of_row, payload


def _payload(pages: RawPages | None, page: bytes, place: int, octets: int, kind: int) -> bytes | None:
    if octets <= _MOST_LOCAL[kind]:
        return page[place : place + octets]
    if octets > _LONGEST or pages is None:
        return None
    local = _LEAST_LOCAL + (octets - _LEAST_LOCAL) % (PAGE - 4)
    if local > _MOST_LOCAL[kind]:
        local = _LEAST_LOCAL
    data = page[place : place + local]
    following = int.from_bytes(page[place + local : place + local + 4], "big")
    while len(data) < octets:
        rest = pages.page(following)
        if rest is None:
            return None
        data += rest[4 : 4 + octets - len(data)]
        following = int.from_bytes(rest[:4], "big")
    return data


def _columns(data: bytes) -> tuple[Row, int] | None:
    """The columns of a row that begins here, and how long it is; None if none does. 2.1"""
    head, at = _varint(data, 0)
    place = head
    row: list[Any] = []
    while at < head:
        kind, at = _varint(data, at)
        octets = (kind - _BLOB) // 2 if kind >= _BLOB else _INTEGERS.get(kind, 0)
        value = data[place : place + octets]
        place += octets
        if len(value) != octets or at > len(data):
            return None
        if kind >= _BLOB:
            row.append(value if kind % 2 == 0 else value.decode("utf-8", "surrogateescape"))
        elif octets:
            row.append(int.from_bytes(value, "big", signed=True))
        elif kind in {0, _FALSE, _TRUE}:
            row.append(None if kind == 0 else kind - _FALSE)
        else:  # a fraction, or nothing that SQLite writes
            return None
    return (tuple(row), place) if at == head and row else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of up to nine octets, and the place behind it. 1.6"""
    value = 0
    for place in range(at, at + 8):
        octet = data[place] if place < len(data) else 0
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            return value, place + 1
    return value << 8 | (data[at + 8] if at + 8 < len(data) else 0), at + 9


def _ids_before(page: bytes, at: int, octets: int) -> Iterator[int]:
    """The row numbers that a cell may have whose row of so many octets begins here."""
    for begin in range(at - 1, max(at - 10, 0), -1):
        number, end = _varint(page, begin)
        size = at - begin
        before = _encoded(octets)
        if end == at and page[max(0, begin - len(before)) : begin] == before:
            yield number
        if size > 1 and not page[begin] & 0x80:
            return  # the octets before belong to something else


def _encoded(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(value & 0x7F | 0x80)
    return bytes(reversed(octets))


_BY_WIDTH: dict[int, list[Table]] = {}
for _table in TABLES:
    _BY_WIDTH.setdefault(len(_table.columns) + 1, []).append(_table)
