"""Where the log goes: to a terminal with the time, to journald with priorities in place of it."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

# syslog(3) priorities, as in sd-daemon(3): "<4>" at the beginning of a line
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_TERMINAL = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_JOURNAL = "%(name)s: %(message)s"


class JournalFormatter(logging.Formatter):
    """Every line with its priority: journald makes an entry of each, and stamps the time itself."""

    def __init__(self) -> None:
        super().__init__(_JOURNAL)

    def format(self, record: logging.LogRecord) -> str:
        """The message and a traceback, each line with the record's priority."""
        prefix = f"<{_PRIORITIES.get(record.levelno, 5)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines() or [""])


def set_up(level: str, stream: TextIO, environ: Mapping[str, str]) -> None:
    """Send everything from `level` ("debug" ... "error") up to the stream, and nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        JournalFormatter() if goes_to_journal(stream, environ) else logging.Formatter(_TERMINAL)
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def goes_to_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream is the one that systemd has connected with the journal: systemd.exec(5)."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
