"""What every test stands on: how much Hypothesis may try, and that nothing is left running."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

# No deadline: a busy machine is no bug. In CI the same examples every time, so that a change is
# judged by itself; on a person's machine new ones, so that luck may find what CI does not.
settings.register_profile("fieldgate", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("fieldgate")


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert not left, f"threads that the test left running: {left}"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """As tmp_path, for what has no room for a long name: a socket's address, a line that is cut."""
    with TemporaryDirectory(prefix="fg-", dir="/tmp") as name:
        yield Path(name)
