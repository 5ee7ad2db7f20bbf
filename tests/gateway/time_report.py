"""How honest and how tight times are: python -m tests.gateway.time_report [CASES [SEED]]."""

import sys

from tests.gateway.time_cases import CLASSES
from tests.gateway.time_simulator import COVERAGE, simulate

HEAD = f"{'class':34} {'times':>6} {'within':>8} {'tu, ms':>10} {'error, ms':>10} {'tu/error':>8}"


def main(cases: int = 200, seed: int = 1) -> int:
    """Print a line for each class, medians of both; 1 when a class is below COVERAGE."""
    print(HEAD)
    short = 0
    for name, draw in CLASSES.items():
        tally = simulate(draw, cases=cases, seed=seed)
        short += tally.coverage() < COVERAGE or tally.early > 0
        print(tally.line(name), flush=True)
    return int(short > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
