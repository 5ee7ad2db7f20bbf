"""Why a command cannot work on the store, with the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.failure import Failure
from gateway.state_directory import NEXT_STEPS, OTHER_STEP

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.store.errors import StoreError

# What else than an agent would do who only wants to look, or to add something.
_STEPS = NEXT_STEPS | {
    "missing": "is {directory} the agent's state directory? --config names its configuration",
    "in_use": "sudo systemctl stop fieldgate, this command once more, sudo systemctl start fieldgate",
    # Not to be moved away: an agent may have it, and does all that is to be done by itself.
    "corrupt": "sudo systemctl restart fieldgate: the agent sets it aside, begins anew, takes over the rest",
    "io": "use sudo, or does the disk work? dmesg",
    "denied": "use sudo",
    "read_only": "use sudo, or is the disk read-only? findmnt -T {directory}; dmesg",
}


def store_failure(error: StoreError, directory: Path) -> Failure:
    """The end of a command that needed the store in this state directory."""
    step = _STEPS.get(error.reason, OTHER_STEP).format(directory=directory)
    return Failure(f"{error.reason}: {error}", next_step=step)
