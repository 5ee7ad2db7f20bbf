"""What is known of the other end of a line."""

from __future__ import annotations

from enum import StrEnum


class LinkState(StrEnum):
    """From a line that is just open to one whose node is met, or says nothing any more.

    The last two are a node's alone.
    """

    WAITING = "waiting"  # nothing has come yet
    STRANGER = "stranger"  # something comes, but no HELLO
    DESCRIBING = "describing"
    OPEN = "open"
    SILENT = "silent"
    LOST = "lost"  # there is no line
    ASLEEP = "asleep"  # silent or without a line, and its next contact is not overdue
