"""The gateway with a kernel that says of its clock and its boot what a test has written into files."""

import json
import os
from functools import partialmethod
from pathlib import Path

from gateway.cli import main
from gateway.host_clock import Discipline, HostClock
from hil_tests.false_time import BOOT_ID_FILE, TOLD_FILE


def told() -> Discipline:
    """What the file says, in the place of adjtimex."""
    maxerror_s = json.loads(Path(os.environ[TOLD_FILE]).read_text(encoding="ascii"))["maxerror_s"]
    if maxerror_s is None:
        return Discipline(synchronised=False)
    error_ns = int(maxerror_s * 1e9)
    return Discipline(synchronised=True, maxerror_ns=error_ns, esterror_ns=error_ns)


if __name__ == "__main__":
    HostClock.__init__ = partialmethod(  # type: ignore[method-assign, assignment]
        HostClock.__init__, discipline=told, boot_id_path=Path(os.environ[BOOT_ID_FILE])
    )
    main()
