"""What a store gives out, against what was acknowledged."""

import asyncio

from gateway.store import small_rows
from tests.gateway.store.bench import opened, rows
from wire import up

CALM_S = 20


class Account:
    """What became of every seq: `wrong` readings, those that are `missing`, those that are `named`."""

    def __init__(self, acknowledged, given, losses):
        messages = {(*each[:3], each.seq): each.message for each in acknowledged}
        self.wrong = [
            each
            for each in given
            if each.kind != up.Gap.TYPE and messages.get((*each[:3], each.seq), each.message) != each.message
        ]
        self.unknown = [
            each for each in given if each.kind != up.Gap.TYPE and (*each[:3], each.seq) not in messages
        ]
        came = {(*each[:3], each.seq) for each in given if each.kind != up.Gap.TYPE}
        self.named = {(*each[:3], seq) for each in losses for seq in range(each[3], each[4])}
        told = {
            (*each[:3], seq)
            for each in given
            if each.kind == up.Gap.TYPE
            for seq in range(each.seq, each.next_seq)
        }
        self.untold = self.named - told  # in the table of losses, without a record of them
        self.missing = messages.keys() - came - self.named
        self.named_and_there = self.named & came
        self.lost = messages.keys() & self.named - came


async def settle(bench):
    """Read everything, until nothing is mended, renewed or salvaged any more."""
    async with asyncio.timeout(CALM_S):
        while True:
            try:
                bench.store.read_after(0, 1_000_000)
            except Exception:  # noqa: BLE001 - it is being begun anew
                await asyncio.sleep(0.005)
                continue
            await bench.store.flush()
            await asyncio.sleep(0)  # what the writer has told by now is heard
            if bench.store.state == "open" and not bench.store.salvaging:
                await bench.store.flush()
                return bench.store.read_after(0, 1_000_000)
            await asyncio.sleep(0.005)


async def account(directory, acknowledged, given=()):
    """Open the store in the directory and take from it what it gives; `given` it gave before."""
    async with opened(directory) as bench:
        all_given = [*given, *await settle(bench)]
        next_seqs = {}
        for uid in {each.uid for each in acknowledged}:
            next_seqs |= {(uid, *key): seq for key, seq in bench.store.next_seqs(uid).items()}
    found = Account(acknowledged, all_given, rows(directory, small_rows.LOSS))
    found.next_seqs = next_seqs
    return found
