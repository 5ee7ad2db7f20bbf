"""Readings -> SenML JSON (RFC 8428), losses -> a small JSON object.

A block's octets are one formatting call: the template of a group and a number of scans is made once.
What does not fit a template (missing values, huge numbers) is spelled out by `spelled`, which says
the same in the same order.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from gateway.node_clock import TimeState

if TYPE_CHECKING:
    from gateway.descriptors import Channel, Group
    from gateway.readings import Loss, Pack

SENML_JSON = "application/senml+json"
JSON = "application/json"
TEMPLATES = 512  # kept; one for each group and number of scans
EXACT = 1 << 50  # below it a double divided by a power of ten prints exactly the decimal it stands for

_US_PER_S = 1_000_000
_NS_PER_US = 1_000
_EUI48_OCTETS = 6
_EUI48_FILL = b"\xff\xfe"  # in the middle of a 48-bit identifier makes it one of 64 bits (RFC 9039 section 4)


class _Template(NamedTuple):
    text: bytes  # takes: base name, base time, then per record its value and its time, as below
    times: bytes  # takes: seconds of the second scan, the third ...; a word for each
    divisors: tuple[int, ...]  # by channel; 1 where the value is an integer
    factors: tuple[int, ...]  # by channel; 1 where the value is a fraction
    even: bool  # every sample of a scan has the scan's time


class SenmlJson:
    """Encodes packs; keeps the templates."""

    def __init__(self) -> None:
        self._templates: dict[tuple[bytes, int, int], _Template] = {}
        self._base_names: dict[bytes, bytes] = {}

    def encode(self, pack: Pack) -> bytes:
        """The pack as a SenML pack: bn, bt (UTC of the first scan) and bu stand in the first record.

        A missing value is no number: `<name>/q` with its fault's name stands in its place.
        """
        values = pack.values
        if None in values or pack.span_ns >= EXACT:
            return spelled(pack)
        if max(values) >= EXACT or min(values) <= -EXACT:  # type: ignore[type-var, operator]
            return spelled(pack)
        key = (pack.descriptor.hash8, pack.number, len(values))
        template = self._templates.get(key) or self._made(key, pack)
        channels = len(template.divisors)
        last = len(values) // channels - 1
        if not template.even or (last and pack.span_ns < _NS_PER_US * len(values)):
            return spelled(pack)  # some record without a time of its own
        span_us = pack.span_ns // _NS_PER_US
        seconds = [span_us * scan // last / _US_PER_S for scan in range(1, last + 1)]
        times = [b"", *(template.times % tuple(seconds)).split()]
        arguments: list[float | int | bytes | None] = [None] * (2 * len(values))
        for channel, divisor in enumerate(template.divisors):
            column = values[channel::channels]
            if divisor != 1:
                column = [raw / divisor for raw in column]  # type: ignore[operator,misc]
            elif template.factors[channel] != 1:
                factor = template.factors[channel]
                column = [raw * factor for raw in column]  # type: ignore[operator]
            arguments[2 * channel :: 2 * channels] = column
            arguments[2 * channel + 1 :: 2 * channels] = times
        base = self._base_names.get(pack.uid) or self._base_name(pack.uid)
        us = pack.utc_ns // _NS_PER_US
        return template.text % (base, us // _US_PER_S, us % _US_PER_S, *arguments)

    def _made(self, key: tuple[bytes, int, int], pack: Pack) -> _Template:
        if len(self._templates) >= TEMPLATES:
            self._templates.clear()
        template = self._templates[key] = _template(pack.group, pack.scans)
        return template

    def _base_name(self, uid: bytes) -> bytes:
        if len(self._base_names) >= TEMPLATES:
            self._base_names.clear()
        name = self._base_names[uid] = base_name(uid).encode("ascii")
        return name


def base_name(uid: bytes) -> str:
    """`urn:dev:mac:<EUI-64>:` (RFC 9039). A uid of 6 octets is a MAC-48 and gets FF FE in its middle."""
    eui64 = uid[:3] + _EUI48_FILL + uid[3:] if len(uid) == _EUI48_OCTETS else uid
    return f"urn:dev:mac:{eui64.hex()}:"


def base_unit(group: Group) -> str:
    """The unit that most channels have; none where it would cover a channel without a unit."""
    units = Counter(channel.unit for channel in group.channels)
    unit, count = units.most_common(1)[0]
    return unit if count > 1 and "" not in units else ""


def seconds_text(us: int) -> str:
    """Microseconds as seconds with six digits."""
    sign = "-" if us < 0 else ""
    return f"{sign}{abs(us) // _US_PER_S}.{abs(us) % _US_PER_S:06d}"


def decimal_text(raw: int, exp: int) -> str:
    """The true value, raw * 10^exp, exactly, as a JSON number."""
    if exp >= 0:
        return str(raw * 10**exp)
    digits = str(abs(raw)).rjust(1 - exp, "0")
    return f"{'-' if raw < 0 else ''}{digits[:exp]}.{digits[exp:]}"


def spelled(pack: Pack) -> bytes:
    """As `SenmlJson.encode`, record by record, for any pack."""
    unit = base_unit(pack.group)
    channels = pack.group.channels
    records = []
    for scan, offset_us in enumerate(pack.offsets_us()):
        for number, channel in enumerate(channels):
            index = scan * len(channels) + number
            raw = pack.values[index]
            if raw is None:
                said = f'"n":"{channel.name}/q","vs":{json.dumps(pack.fault(index))}'
            else:
                said = f'{_named(channel, unit)},"v":{decimal_text(raw, channel.exp)}'
            at_us = offset_us - channel.latency_us
            records.append(f'{said},"t":{seconds_text(at_us)}' if at_us else said)
    us = pack.utc_ns // _NS_PER_US
    base = f'"bn":"{base_name(pack.uid)}","bt":{seconds_text(us)}{_base_unit(unit)},'
    return ("[{" + base + "},{".join(records) + "}]").encode("ascii")


def loss_json(loss: Loss) -> bytes:
    """How far the loss goes, why, and of which time: UTC in seconds as in SenML, null where it is not known.

    Where it begins is its identity, which is not in here.
    """
    document: dict[str, int | float | str | None] = {
        "next_seq": loss.next_seq,
        "reason": loss.reason,
        "from": None,
        "to": None,
    }
    if loss.timed and loss.state is not TimeState.UNKNOWN:
        document["from"] = loss.utc_ns // _NS_PER_US / _US_PER_S
        document["to"] = (loss.utc_ns + loss.span_ns) // _NS_PER_US / _US_PER_S
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _template(group: Group, scans: int) -> _Template:
    unit = base_unit(group)
    records = []
    for channel in group.channels:
        value = f"%.{-channel.exp}f" if channel.exp < 0 else "%d"
        records.append(f'{_named(channel, unit).replace("%", "%%")},"v":{value}%s')
    base = f'"bn":"%s","bt":%d.%06d{_base_unit(unit).replace("%", "%%")},'
    return _Template(
        ("[{" + base + "},{".join(records * scans) + "}]").encode("ascii"),
        b',"t":%.6f ' * (scans - 1),
        tuple(10 ** max(0, -channel.exp) for channel in group.channels),
        tuple(10 ** max(0, channel.exp) for channel in group.channels),
        not any(channel.latency_us for channel in group.channels),
    )


def _named(channel: Channel, covered: str) -> str:
    """Name and, unless the base unit says it, unit."""
    if channel.unit in ("", covered):
        return f'"n":"{channel.name}"'
    return f'"n":"{channel.name}","u":{json.dumps(channel.unit)}'


def _base_unit(unit: str) -> str:
    return f',"bu":{json.dumps(unit)}' if unit else ""
