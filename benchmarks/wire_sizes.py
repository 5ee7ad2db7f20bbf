"""Octets for the same readings in several formats: one scan alone, and per scan in a batch of ten.

    .venv/bin/python -m benchmarks.wire_sizes [--blocks N] [--days D] [--json]

The readings are a BME280's (temperature, humidity, pressure) once a second with its noise, from a
node that has been up for 30 days, so ticks and sequence numbers are as long as they get in the field.
Every row is computed in this run, from the same scans, and says which node, which scan, when, and the
three values. JSON and SenML name the channels; the CBOR map has keys of one letter. fieldgate is
counted as it stands on the line, with flags, escapes and check sum; the others without any framing.
Exit status 1 when fieldgate is over a limit.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import cbor2

from gateway.sinks.senml import base_name
from wire import cbor, down, up
from wire.block import BlockBuilder
from wire.framing import ESCAPES_DOWN, ESCAPES_UP, stuff

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UID = bytes.fromhex("240ac4123456")
BOOT = 37 << 16 | 0x1267
BATCH = 10
PERIOD_US = 1_000_000
JITTER_US = 150  # of a sampler on an ESP32
US_PER_DAY = 86_400_000_000
US_PER_S = 1_000_000
UTC_AT_BOOT_US = 1_795_000_000_000_000  # any day in 2026
CHANNELS = (("air_temperature", "Cel", -2), ("relative_humidity", "%RH", -2), ("air_pressure", "Pa", 0))
LIMIT_ALONE = 45  # octets of a scan alone, which the design promises to stay below
LIMIT_BATCH = 8  # of a scan in a batch of ten
SENML_LABELS = {"bn": -2, "bt": -3, "n": 0, "u": 1, "v": 2, "t": 6}  # RFC 8428 table 4


class Scan(NamedTuple):
    """Three raw values, each times 10^exp, at `ticks` microseconds since the node's boot."""

    seq: int
    ticks: int
    raw: tuple[int, int, int]

    @property
    def utc_s(self) -> float:
        """What a node with a trusted clock would say."""
        return round((UTC_AT_BOOT_US + self.ticks) / US_PER_S, 3)

    @property
    def values(self) -> list[float]:
        """In the channels' units."""
        return [raw / 10**-exp if exp else raw for raw, (_, _, exp) in zip(self.raw, CHANNELS, strict=True)]


def weather(count: int, days: float, seed: int = 7) -> list[Scan]:
    """Air that changes slowly, as a BME280 without oversampling sees it (its datasheet, section 1.1)."""
    random = Random(seed)
    celsius, percent, pascal = 12.5, 60.0, 100_800.0
    scans = []
    for number in range(count):
        celsius += random.gauss(0, 0.002)
        percent += random.gauss(0, 0.01)
        pascal += random.gauss(0, 0.2)
        raw = (
            round(100 * random.gauss(celsius, 0.005)),
            round(100 * random.gauss(percent, 0.02)),
            round(random.gauss(pascal, 3.3)),
        )
        at_us = int(days * US_PER_DAY) + number * PERIOD_US + random.randrange(JITTER_US)
        scans.append(Scan(int(days * US_PER_DAY) // PERIOD_US + number, at_us, raw))
    return scans


def fieldgate(scans: Sequence[Scan]) -> bytes:
    """A frame as it is on the line."""
    builder = BlockBuilder(len(CHANNELS), len(scans))
    for scan in scans:
        builder.add(scan.ticks, scan.raw)
    return stuff(builder.encode(cbor.Encoder(1024), BOOT, 1, scans[0].seq // len(scans), 0), ESCAPES_UP)


def json_objects(scans: Sequence[Scan]) -> bytes:
    """An object for each scan."""
    objects = [
        {"node": UID.hex(), "seq": scan.seq, "time": scan.utc_s}
        | {name: value for (name, _, _), value in zip(CHANNELS, scan.values, strict=True)}
        for scan in scans
    ]
    return _json(objects[0] if len(objects) == 1 else objects)


def json_arrays(scans: Sequence[Scan]) -> bytes:
    """One object that has an array for each channel and says node and first seq once."""
    return _json(
        {"node": UID.hex(), "seq": scans[0].seq, "time": [scan.utc_s for scan in scans]}
        | {name: [scan.values[at] for scan in scans] for at, (name, _, _) in enumerate(CHANNELS)}
    )


def senml(scans: Sequence[Scan]) -> list[dict[str, Any]]:
    """A pack of RFC 8428: base name and time once, then a record for each value.

    A sequence number has no place in it.
    """
    records: list[dict[str, Any]] = []
    for scan in scans:
        for (name, unit, _), value in zip(CHANNELS, scan.values, strict=True):
            records.append({"n": name, "u": unit, "v": value})
            if scan is not scans[0]:
                records[-1]["t"] = round(scan.utc_s - scans[0].utc_s, 3)
    return [{"bn": base_name(UID), "bt": scans[0].utc_s} | records[0], *records[1:]]


def senml_cbor(scans: Sequence[Scan]) -> bytes:
    """The same with numbers for labels, and the shortest float that loses nothing."""
    return _cbor([{SENML_LABELS[key]: value for key, value in each.items()} for each in senml(scans)])


def cbor_maps(scans: Sequence[Scan]) -> bytes:
    """A map with short keys for each scan, integers throughout: what one writes by hand."""
    maps = [
        {"node": UID, "seq": scan.seq, "time": UTC_AT_BOOT_US // 1000 + scan.ticks // 1000}
        | dict(zip(("t", "h", "p"), scan.raw, strict=True))
        for scan in scans
    ]
    return _cbor(maps[0] if len(maps) == 1 else maps)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _cbor(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


FORMATS: dict[str, Callable[[Sequence[Scan]], bytes]] = {
    "fieldgate on the wire": fieldgate,
    "CBOR map per scan": cbor_maps,
    "SenML CBOR": senml_cbor,
    "JSON object per scan": json_objects,
    "JSON object of arrays": json_arrays,
    "SenML JSON": lambda scans: _json(senml(scans)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Mean octets per scan."""

    name: str
    alone: float
    batch: float


def measure(blocks: int, days: float) -> list[Size]:
    """Every format over the same scans, fieldgate first."""
    scans = weather(blocks * BATCH, days)
    batches = [scans[at : at + BATCH] for at in range(0, len(scans), BATCH)]
    return [
        Size(
            name=name,
            alone=fmean(len(encode([scan])) for scan in scans),
            batch=fmean(len(encode(batch)) for batch in batches) / BATCH,
        )
        for name, encode in FORMATS.items()
    ]


def session_octets() -> tuple[int, int]:
    """Frames beside the readings: a HELLO, once per session; an ACK downward, once per commit."""
    queued = [[BOOT, 1, 259_200, 259_200]]
    hello = up.Hello(
        UID, BOOT, 30 * US_PER_DAY, "fieldgate 0.1.0", bytes(8), "power_on", queued, 240, bytes(8)
    )
    ack = down.Ack(BOOT, 1, 259_201, 8192)
    encoder = cbor.Encoder(1024)
    return len(stuff(hello.encode(encoder), ESCAPES_UP)), len(stuff(ack.encode(encoder), ESCAPES_DOWN))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=200)
    parser.add_argument("--days", type=float, default=30.0, help="for how long the node has been up")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = measure(options.blocks, options.days)
    ours = sizes[0]
    if options.json:
        print(json.dumps({size.name: {"alone": size.alone, "batch": size.batch} for size in sizes}))
    else:
        report(sizes)
    if ours.alone >= LIMIT_ALONE or ours.batch >= LIMIT_BATCH:
        sys.exit("over the limit")


def report(sizes: Sequence[Size]) -> None:
    """A table with ratios, and what it leaves out."""
    ours = sizes[0]
    print(f"{'octets per scan, mean':26}{'alone':>9}{'':>9}{'in a batch of 10':>18}")
    for size in sizes:
        ratios = f"{size.alone / ours.alone:7.1f} x", f"{size.batch / ours.batch:7.1f} x"
        print(f"{size.name:26}{size.alone:9.1f}{ratios[0]:>9}{size.batch:18.1f}{ratios[1]:>9}")
    print(f"{'limit for fieldgate':26}{LIMIT_ALONE:>9}{'':>9}{LIMIT_BATCH:>18}")
    hello, ack = session_octets()
    print(f"\nfieldgate names the node once per session (HELLO, {hello} octets); other formats every time.")
    print(f"An ACK goes down the line after each commit, {ack} octets. Only fieldgate has a check sum.")


if __name__ == "__main__":
    main()
