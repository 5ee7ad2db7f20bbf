"""Blocks per second from a pseudo-terminal to confirmed publishes, fsync before ACK.

    .venv/bin/python -m benchmarks.gateway_throughput [--blocks N] [--rounds R]

The gateway is `fieldgate run` as a user starts it; the baseline is benchmarks/plain_pipeline.py,
which publishes the block's octets, and once more with the readings in JSON text, as ours have names.
Both read the same frames from a pseudo-terminal and publish to the same mosquitto, in alternation;
who listens there is mosquitto_sub, which costs the machine next to nothing.
Then, per gateway: processor time and memory while busy, and processor time while idle.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from gateway import status
from gateway.store.store import FORGET_LEAST
from hil_tests.broker import Broker
from hil_tests.interpreters import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
FIELDGATE = str(Path(sys.executable).with_name("fieldgate"))
LIMIT_S = 120.0
IDLE_S = 20.0
THINGSBOARD_SHARE = 0.121  # of the plain pipeline: 1,720 of 14,200 messages/s, measured elsewhere
HERTZ = os.sysconf("SC_CLK_TCK")
CONFIG = """
[gateway]
name = "bench"
[[port]]
glob = "{port}"
window = 65536
[clock]
assume_synchronised = true
[[sink.mqtt]]
url = "{url}"
window = 100
[log]
level = "warning"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run."""

    blocks_per_s: float
    cpu_ms_per_1000: float
    resident_mb: float


class Process:
    """A child of this benchmark and what it costs."""

    def __init__(self, *arguments: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._proc = Path(f"/proc/{self._child.pid}")

    def line(self) -> str:
        """Its next line of output."""
        return _pipe(self._child.stdout).readline().strip()

    def go(self) -> None:
        """Tell it to begin."""
        _pipe(self._child.stdin).write("\n")
        _pipe(self._child.stdin).flush()

    def cpu_s(self) -> float:
        """Processor time so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / HERTZ

    def resident_mb(self) -> float:
        """Most memory so far."""
        [line] = [each for each in (self._proc / "status").read_text().splitlines() if "VmHWM" in each]
        return int(line.split()[1]) / 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            _pipe(pipe).close()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


class Heard:
    """What the listener has written down, a line for each message."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._octets = 0
        self._lines = 0

    def messages(self) -> int:
        """How many there are by now."""
        with self._path.open("rb") as file:
            file.seek(self._octets)
            news = file.read()
        self._octets += len(news)
        self._lines += news.count(b"\n")
        return self._lines

    def wait(self, messages: int) -> None:
        """Until there are so many. It costs the gateway nothing, as asking it would."""
        deadline_s = time.monotonic() + LIMIT_S
        while self.messages() < messages:
            if time.monotonic() > deadline_s:
                raise SystemExit(f"{self._lines} of {messages} messages came within {LIMIT_S:.0f} s")
            time.sleep(0.01)


@contextmanager
def listener(broker: Broker, path: Path) -> Iterator[Heard]:
    """Somebody who has subscribed to everything, or the broker would throw all of it away."""
    port = str(broker.port)
    subprocess.run([program("mosquitto_pub"), "-p", port, "-r", "-t", "begin", "-m", "begin"], check=True)
    with path.open("wb") as out:
        child = subprocess.Popen(
            [program("mosquitto_sub"), "-p", port, "-V", "mqttv5", "-t", "#", "-F", "%t"], stdout=out
        )
    try:
        heard = Heard(path)
        heard.wait(1)  # the retained message: it is subscribed
        yield heard
    finally:
        child.terminate()
        child.wait()


def run_plain(directory: Path, broker: Broker, blocks: int, *, json_text: bool = False) -> Result:
    """The baseline once."""
    with Process("-m", "benchmarks.link_feed", "plain", str(blocks)) as feed:
        arguments = (feed.line(), str(directory / "plain.db"), "127.0.0.1", str(broker.port), str(blocks))
        options = ["--json"] if json_text else []
        with Process("-m", "benchmarks.plain_pipeline", *arguments, *options) as pipeline:
            assert pipeline.line() == "ready"
            cpu_s, began = pipeline.cpu_s(), time.perf_counter()
            feed.go()
            assert pipeline.line() == "done"
            return _result(pipeline, blocks, time.perf_counter() - began, cpu_s)


def run_gateway(
    directory: Path, broker: Broker, heard: Heard, blocks: int, *, idle: bool = False
) -> tuple[Result, float]:
    """The gateway once; and its share of a processor while it is idle, 0 if not asked for."""
    config, state = directory / "bench.toml", directory / "state"
    with Process("-m", "benchmarks.link_feed", "session", str(blocks)) as feed:
        config.write_text(CONFIG.format(port=feed.line(), url=broker.url))
        with Process(FIELDGATE, "run", "--config", str(config), "--state", str(state)) as gateway:
            _until(state, lambda now: now.sinks[0].state == "online" and now.ports[0].state == "open")
            before = heard.messages()
            cpu_s, began = gateway.cpu_s(), time.perf_counter()
            feed.go()
            heard.wait(before + blocks)
            _until(state, lambda now: now.sinks[0].delivered >= blocks)
            result = _result(gateway, blocks, time.perf_counter() - began, cpu_s)
            if not idle:
                return result, 0.0
            # What is delivered is forgotten a few seconds later: only then there is nothing to do.
            _until(state, lambda now: now.store.stored < FORGET_LEAST)
            return result, _idle_share(gateway)


def _result(process: Process, blocks: int, taken_s: float, cpu_s: float) -> Result:
    return Result(
        blocks_per_s=blocks / taken_s,
        cpu_ms_per_1000=(process.cpu_s() - cpu_s) / blocks * 1e6,
        resident_mb=process.resident_mb(),
    )


def _idle_share(gateway: Process) -> float:
    time.sleep(2)
    cpu_s, began = gateway.cpu_s(), time.perf_counter()
    time.sleep(IDLE_S)
    return (gateway.cpu_s() - cpu_s) / (time.perf_counter() - began)


def _until(state: Path, reached: Callable[[status.Status], bool]) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline_s:
        try:
            if reached(status.ask(state / status.SOCKET_NAME)):
                return
        except (OSError, IndexError):
            pass
        time.sleep(0.05)
    raise SystemExit(f"the gateway did not get there within {LIMIT_S:.0f} s")


def _directories() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as root:
        number = 0
        while True:
            number += 1
            directory = Path(root) / str(number)
            directory.mkdir()
            yield directory


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    plain: list[Result] = []
    in_json: list[Result] = []
    ours: list[Result] = []
    share = 0.0
    directories = _directories()
    with Broker(next(directories)) as broker, listener(broker, next(directories) / "heard") as heard:
        for number in range(options.rounds):
            plain.append(run_plain(next(directories), broker, options.blocks))
            in_json.append(run_plain(next(directories), broker, options.blocks, json_text=True))
            last = number == options.rounds - 1
            result, share = run_gateway(next(directories), broker, heard, options.blocks, idle=last)
            ours.append(result)
    report({"plain": plain, "plain_json": in_json, "gateway": ours}, share, as_json=options.json)


def report(runs: dict[str, list[Result]], share: float, *, as_json: bool) -> None:
    """Medians, and the gateway's ratio to each of the others."""
    if as_json:
        print(json.dumps({**{name: [*map(asdict, each)] for name, each in runs.items()}, "idle": share}))
        return
    print(f"{'':18}{'plain pipeline':>16}{'ratio':>7}{'plain, JSON':>16}{'ratio':>7}{'fieldgate run':>16}")
    for name in ("blocks_per_s", "cpu_ms_per_1000", "resident_mb"):
        plain, in_json, mine = (_median(runs[each], name) for each in ("plain", "plain_json", "gateway"))
        print(f"{name:18}{plain:16,.0f}{mine / plain:7.2f}{in_json:16,.0f}{mine / in_json:7.2f}{mine:16,.0f}")
    rate = _median(runs["gateway"], "blocks_per_s") / _median(runs["plain"], "blocks_per_s")
    print(
        f"against ThingsBoard gateway (by its share of the plain pipeline): {rate / THINGSBOARD_SHARE:.1f} x"
    )
    print(f"idle: {share:.2%} of one processor")


def _median(results: list[Result], name: str) -> float:
    return float(statistics.median(getattr(result, name) for result in results))


if __name__ == "__main__":
    main()
