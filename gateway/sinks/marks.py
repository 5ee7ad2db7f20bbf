"""What a consumer says it has on its own disk: a JSON object, from somebody whom nobody has checked.

    {"epoch": "2026-11-24T08:15:00 1f3a", "marks": [["240ac4000001", 30523, 1, 4711], ...]}

A mark is node, boot, stream and the seq that comes next: everything of the stream below it is durable,
received or named in a gap. docs/integrator.md explains it to whoever writes a consumer.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gateway.store.ledger import Key

MESSAGE_OCTETS = 262_144  # MARKS_LIMIT of the longest
MARKS_LIMIT = 4_096  # of one message: a line holds one node, and nobody has so many boots at once
EPOCH_CHARACTERS = 64
NUMBER_LIMIT = 1 << 63  # what the store can hold

_UID = re.compile(r"(?:[0-9a-f]{2}){6,8}")
_FIELDS = 4


class BadMarks(Exception):
    """No message of a consumer. `reason` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Marks(NamedTuple):
    """Up to which seq a consumer has each stream, and in which epoch of its own."""

    epoch: str
    next_seqs: dict[Key, int]


def parse(octets: bytes) -> Marks:
    """What the message says. Raises BadMarks for anything but exactly that; unknown keys are ignored."""
    if len(octets) > MESSAGE_OCTETS:
        raise BadMarks("too_long", f"{len(octets)} octets, limit {MESSAGE_OCTETS}")
    try:
        document = json.loads(octets)
    except (ValueError, RecursionError) as error:  # ValueError: UTF-8, JSON, numbers of thousands of digits
        raise BadMarks("not_json", str(error)) from None
    if not isinstance(document, dict):
        raise BadMarks("not_an_object")
    epoch, marks = document.get("epoch"), document.get("marks")
    if not isinstance(epoch, str) or not 0 < len(epoch) <= EPOCH_CHARACTERS or not epoch.isprintable():
        raise BadMarks("epoch", f"is no text of 1 to {EPOCH_CHARACTERS} printable characters")
    if not isinstance(marks, list) or len(marks) > MARKS_LIMIT:
        raise BadMarks("marks", f"is no array of at most {MARKS_LIMIT}")
    next_seqs: dict[Key, int] = {}
    for number, mark in enumerate(marks):
        key, next_seq = _mark(mark, number)
        if key in next_seqs:
            raise BadMarks("mark", f"number {number} is there twice")
        next_seqs[key] = next_seq
    return Marks(epoch, next_seqs)


def _mark(mark: object, number: int) -> tuple[Key, int]:
    if not isinstance(mark, list) or len(mark) != _FIELDS:
        raise BadMarks("mark", f"number {number} is no array of {_FIELDS}")
    uid, *numbers = mark
    if not isinstance(uid, str) or _UID.fullmatch(uid) is None:
        raise BadMarks("mark", f"number {number} has no node in lower-case hex")
    if any(type(each) is not int or not 0 <= each < NUMBER_LIMIT for each in numbers):
        raise BadMarks("mark", f"number {number} has something else than numbers")
    boot, stream, next_seq = numbers
    return (bytes.fromhex(uid), boot, stream), next_seq
