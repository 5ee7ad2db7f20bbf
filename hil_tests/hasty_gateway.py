"""A gateway with a mistake, on purpose: it acknowledges what it has not yet put on disk.

The stories must find it out; if they do not, they prove nothing.
"""

from gateway.cli import main
from wire.intake import TAKEN, Intake
from wire.up import Block, Gap

_take = Intake.take


def take_hastily(self: Intake, record: Block | Gap) -> int:
    """Take a record and have it acknowledged at once."""
    outcome = _take(self, record)
    if outcome == TAKEN:
        self.commit(record.boot, record.stream, record.next_seq)
    return outcome


if __name__ == "__main__":
    Intake.take = take_hastily  # type: ignore[method-assign]
    main()
