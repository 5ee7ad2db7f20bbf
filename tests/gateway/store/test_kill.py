"""kill -9 of a process that appends; what it acknowledged is kept outside of it, by its parent."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.store.bench import opened

KILLS = 20
SEED = 20_261_124
ROOT = Path(__file__).parents[3]


async def stored_seqs(directory):
    async with opened(directory) as bench:
        return bench.seqs()


@pytest.mark.timeout(120)
def test_kill_9_at_any_moment_costs_no_acknowledged_record(tmp_path):
    chance = random.Random(SEED)
    acknowledged = set()
    for kill in range(KILLS):
        lines = chance.randrange(1, 200)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.gateway.store.appender", tmp_path], cwd=ROOT, stdout=subprocess.PIPE
        ) as appender:
            told = [appender.stdout.readline() for _ in range(lines)]
            for _ in range(chance.randrange(20_000)):
                pass  # to somewhere in the commits that follow
            appender.kill()
            told += appender.stdout.readlines()
        seqs = {int(line) for line in told if line.endswith(b"\n")}
        assert len(seqs) >= lines, f"kill {kill} of seed {SEED}"
        assert not acknowledged & seqs, f"kill {kill} of seed {SEED}: acknowledged twice"
        acknowledged |= seqs
    stored = asyncio.run(stored_seqs(tmp_path))
    assert acknowledged <= set(stored)
    assert stored == list(range(len(stored)))
