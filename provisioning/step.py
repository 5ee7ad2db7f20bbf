"""The steps of an installation, and who is told about them."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Step(StrEnum):
    """What is being done; the words that a person reads."""

    BUILD = "compile the application"
    OPEN = "open the port"
    ENTER = "get into the board"
    INSPECT = "look at the board"
    COPY = "copy"
    VERIFY = "check the copy"
    SWITCH = "switch over"
    SETTINGS = "write the settings"
    RESTART = "restart the board"
    HELLO = "wait for the node"
    READINGS = "wait for first readings"


class Progress(Protocol):
    """Is told how far an installation is."""

    def begin(self, step: Step, octets: int = 0) -> None:
        """A step begins; it will `move` so many octets."""

    def move(self, octets: int) -> None:
        """So many octets of the step are done."""

    def note(self, text: str) -> None:
        """Something worth knowing about the step."""

    def close(self) -> None:
        """Nothing more comes."""
