"""What every story stands on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil_tests.bench import Bench
from hil_tests.site import Site


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


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An access point, and the local broker behind it."""
    with Site(tmp_path) as site:
        yield site


@pytest.fixture
def wifi_bench(tmp_path: Path, site: Site) -> Iterator[Bench]:
    """As `bench`, and its gateway is at the broker of `site`."""
    with Bench(tmp_path, settings=site.gateway()) as bench:
        yield bench
