"""What several files of tests here share."""

import pytest

from tests.firmware.sleeping import Sleeping


@pytest.fixture
def sleeping(tmp_path):
    lives = []

    def sleeping(*arguments, **ways):
        lives.append(Sleeping(tmp_path, *arguments, **ways))
        return lives[-1]

    yield sleeping
    for life in lives:
        life.close()
