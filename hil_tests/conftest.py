"""What every story stands on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil_tests.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A broker and a subscriber that run; a gateway and boards to start. The store keeps all."""
    with Bench(tmp_path) as bench:
        yield bench


@pytest.fixture
def draining_bench(tmp_path: Path) -> Iterator[Bench]:
    """As `bench`, but the store forgets what is delivered."""
    with Bench(tmp_path, archive=False) as bench:
        yield bench
