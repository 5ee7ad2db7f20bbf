"""What somebody asked to have done with one node: how far it is, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ErrandState(StrEnum):
    """Whether it has ended, and how."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"  # by whoever asked


class ErrandFault(StrEnum):
    """Why an errand failed."""

    UNKNOWN_NODE = "unknown_node"
    NOT_LINKED = "not_linked"
    ASLEEP = "asleep"
    NO_ANSWER = "no_answer"
    RESTARTED = "restarted"
    REFUSED = "refused"
    NODE_FAILED = "node_failed"
    UNKNOWN_OPERATION = "unknown_operation"
    BAD_ANSWER = "bad_answer"
    SETTINGS_BROKEN = "settings_broken"
    PACKAGE_DAMAGED = "package_damaged"
    WENT_BACK = "went_back"
    INTERNAL = "internal"


NEXT_STEPS = {
    ErrandFault.UNKNOWN_NODE: "fieldgate status lists the nodes",
    ErrandFault.NOT_LINKED: "is it powered, is its cable in? fieldgate status shows its link; then again",
    ErrandFault.ASLEEP: "fieldgate remote NODE awake --for 10m waits for its next contact; then again",
    ErrandFault.NO_ANSWER: "again; firmware without commands never answers: fieldgate node install PORT",
    ErrandFault.RESTARTED: "fieldgate status, then again",
    ErrandFault.REFUSED: "correct what the node names, then again",
    ErrandFault.NODE_FAILED: "again in a few minutes; if it stays so, docs/technician.md: erase and flash",
    ErrandFault.UNKNOWN_OPERATION: "its firmware is older than this gateway: fieldgate node install PORT",
    ErrandFault.BAD_ANSWER: "its firmware does not fit this gateway: fieldgate node install PORT",
    ErrandFault.SETTINGS_BROKEN: "give it others: fieldgate remote NODE settings set FILE",
    ErrandFault.PACKAGE_DAMAGED: "make it again: fieldgate node package -o FILE",
    ErrandFault.WENT_BACK: "fieldgate status and journalctl -u fieldgate -e: the node says there why",
    ErrandFault.INTERNAL: "journalctl -u fieldgate -e",
}


class ErrandFailed(Exception):
    """The errand ends without success; the message says what happened."""

    def __init__(self, fault: ErrandFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(slots=True, kw_only=True)
class Errand:
    """`asked`: the request. `node`: its uid in hex. `done` of `total` octets, where it moves some."""

    number: int
    node: str
    asked: dict[str, object]
    state: ErrandState = ErrandState.RUNNING
    done: int = 0
    total: int = 0
    answer: object = None
    fault: ErrandFault | None = None
    message: str = ""
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Something that whoever waits should know."""
        self.notes.append(text)

    def fail(self, fault: ErrandFault, message: str) -> None:
        """It has ended, and not well."""
        self.state, self.fault, self.message = ErrandState.FAILED, fault, message

    def described(self) -> dict[str, object]:
        """As JSON says it."""
        return {
            "errand": self.number,
            "node": self.node,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "notes": self.notes,
            "answer": self.answer,
            "fault": self.fault,
            "message": self.message,
            "next_step": NEXT_STEPS[self.fault] if self.fault else "",
        }
