"""What a command says when no agent runs, or when it does not answer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.failure import NoAgent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def reaching(path: Path) -> Iterator[None]:
    """Around what talks to the socket at `path`: OSError becomes NoAgent, in words."""
    try:
        yield
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoAgent(
            f"no agent runs: nothing listens at {path}",
            next_step="sudo systemctl start fieldgate; if it does not stay: journalctl -u fieldgate -e",
        ) from None
    except PermissionError:
        raise NoAgent(
            f"{path}: permission denied",
            next_step="run it with sudo, or as a user of the service's group (dialout)",
        ) from None
    except OSError as error:
        raise no_answer(path, error) from None


def no_answer(path: Path, error: Exception) -> NoAgent:
    """An agent is there, and does not answer as it should."""
    return NoAgent(
        f"the agent at {path} did not answer: {error}",
        next_step="journalctl -u fieldgate -e",
    )
