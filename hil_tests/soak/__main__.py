"""The program scripts/soak."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from hil_tests.faults.crash_images import crash_image
from hil_tests.soak import ledger
from hil_tests.soak.mechanisms import MECHANISMS, Mechanism

MINUTES = 10.0
MISTAKES_SHOWN = 5
KEPT = Path("crash-image")


def main() -> int:
    """1 when an acknowledged record was lost, or anything else that was promised did not hold."""
    options = _options()
    logging.disable(logging.CRITICAL)  # the stores that are made to fail say so
    if options.image:
        return _image(options.image)
    chosen = [MECHANISMS[name] for name in options.only or MECHANISMS]
    print(f"soak: seed {options.seed}, commit {ledger.commit() or 'unknown'}, {ledger.machine()}", flush=True)
    deadline_s = time.monotonic() + options.minutes * 60
    mistakes = 0
    turn = 0
    while turn == 0 or (not options.cuts and time.monotonic() < deadline_s):
        for mechanism in chosen:
            if turn and time.monotonic() >= deadline_s:
                break
            seed = options.seed + turn * mechanism.seeds_each
            mistakes += _round(mechanism, seed, options.cuts or mechanism.portion, options.ledger)
        turn += 1
    print(f"soak: {mistakes} mistakes; the counts are in {options.ledger}")
    return 1 if mistakes else 0


def _round(mechanism: Mechanism, seed: int, count: int, path: Path) -> int:
    began_s = time.monotonic()
    tally = mechanism.run(seed, count)
    seconds = time.monotonic() - began_s
    ledger.append(path, mechanism.name, seed, tally, seconds=seconds)
    print(
        f"{mechanism.name:9} seed {seed:6} {tally.cuts:7} cuts {tally.rows:9} rows {tally.lost:4} lost"
        f" {seconds:6.1f} s  {tally.note}",
        flush=True,
    )
    for mistake in tally.mistakes[:MISTAKES_SHOWN]:
        print(f"    {mistake[:300]}")
    if tally.mistakes:
        print(f"    again: scripts/soak --only {mechanism.name} --seed {seed} --cuts {count}", flush=True)
    return len(tally.mistakes)


def _image(name: str) -> int:
    seed, _, number = name.partition(":")
    verdict = crash_image(int(seed), int(number), KEPT)
    print(f"image {number} of history {seed}, in {KEPT}/: {verdict.rows} rows, {verdict.lost} lost")
    for mistake in verdict.mistakes:
        print(f"    {mistake}")
    return 1 if verdict.mistakes else 0


def _options() -> argparse.Namespace:
    what = "; ".join(f"{each.name}: {each.what}" for each in MECHANISMS.values())
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description="Run the fault tests for longer.", epilog=what
    )
    add = parser.add_argument
    add("--minutes", type=float, default=MINUTES, help="how long, about (%(default)s)")
    add("--cuts", type=int, default=0, metavar="N", help="N faults of each kind, in the place of --minutes")
    add("--seed", type=int, default=int(time.time()), help="the first; a new one each time")
    add("--only", action="append", choices=list(MECHANISMS), help="may be given several times")
    add("--image", metavar="SEED:NUMBER", help="judge one crash image again, and keep its files")
    add("--ledger", type=Path, default=ledger.DEFAULT, help="where counts are added (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
