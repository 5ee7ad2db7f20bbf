"""A pytest plugin: the files whose tests may take longest begin first, or one worker ends alone with them.

How long a test may take is its timeout, so there is no second list to keep.
"""

from collections import Counter
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    may_take_s: Counter[Path] = Counter()
    for item in items:
        marked = item.get_closest_marker("timeout")
        may_take_s[item.path] += marked.args[0] if marked else 0  # what has none is over at once
    items.sort(key=lambda item: -may_take_s[item.path])
