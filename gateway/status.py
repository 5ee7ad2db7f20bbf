"""What the gateway says about itself: a snapshot in values, served as one line of JSON."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gateway.socket_server import SocketServer, exchange

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

SOCKET_NAME = "status.sock"  # in the state directory


@cache
def program_version() -> str:
    """Of this program. It is read from a file, once."""
    return version("fieldgate")


class StatusError(Exception):
    """The text is not a status as this version knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStatus:
    """Something that is wrong now. `name` is a stable word, explained in docs/operator.md."""

    name: str
    subject: str
    detail: str = ""
    age_s: float  # for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStatus:
    """This host's clock."""

    state: str  # synchronised, unsynchronised, assumed
    utc: str | None = None  # RFC 3339, None while it is not known
    uncertainty_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortStatus:
    """A serial port, or a broker of Wi-Fi nodes; one that no device matches yet has the glob as its path."""

    path: str
    state: str
    detail: str = ""
    age_s: float  # in this state


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """A node that was heard since the start, or sleeps and was heard before."""

    uid: str  # lower-case hex
    name: str
    port: str | None  # None: on no port now
    boot: int
    link: str
    seen_ago_s: float | None  # None: not since the start
    clock: str  # resolved, provisional, interval, unknown
    uncertainty_us: int | None = None
    blocks: int  # taken since the start
    health: dict[str, int] = dataclasses.field(
        default_factory=dict
    )  # what it told last of itself, by channel


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """The store on this host's disk."""

    state: str
    detail: str = ""
    stored: int  # records on disk now
    damaged: int = 0  # records met since the start that were not as they were written
    waiting: dict[str, int] = dataclasses.field(default_factory=dict)  # records not delivered, by sink
    dropped: dict[str, int] = dataclasses.field(default_factory=dict)  # since the start, by stream


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskStatus:
    """What the store uses of the disk. None: not known (yet)."""

    mount: str = ""  # kind, options and place; empty while that is not known
    used_octets: int | None = None  # by the store, its WAL at full size
    left_octets: int | None = None  # that it may still take
    limited_by: str = ""  # which key of the configuration says so
    lasts_s: float | None = None  # at the rate of the last hour, if nothing is delivered
    written_today_octets: int | None = None  # given to the file system, this day of UTC
    written_yesterday_octets: int | None = None
    written_per_day_octets: float | None = None  # at the rate of the last hour


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerStatus:
    """A program behind a broker that confirms what it has on its own disk."""

    name: str
    state: str  # up_to_date, behind, consumer_silent
    spoke_ago_s: float | None = None  # None: not since the start
    behind: int = 0  # records that were delivered and that it has not confirmed
    behind_s: float | None = None  # for how long the first of them has been here; None is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkStatus:
    """Where readings go."""

    name: str
    state: str
    detail: str = ""
    age_s: float  # in this state
    broker: str
    protocol: str = ""  # that is spoken now: mqtt 5, mqtt 3.1.1
    delivered: int  # confirmed since the start
    in_flight: int
    backlog: int  # records not delivered, those in flight included
    dead_letters: int = 0  # records that the broker refuses for good
    backlog_per_s: float = 0.0  # older ones, delivered beside the new ones
    backlog_eta_s: float | None = None  # until no older ones are left; None while none goes
    consumers: tuple[ConsumerStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One moment of the gateway. Ages are seconds before that moment: they need no wall clock."""

    version: str
    gateway: str
    uptime_s: float
    clock: ClockStatus
    store: StoreStatus
    disk: DiskStatus = DiskStatus()
    ports: tuple[PortStatus, ...] = ()
    nodes: tuple[NodeStatus, ...] = ()
    sinks: tuple[SinkStatus, ...] = ()
    faults: tuple[FaultStatus, ...] = ()
    counters: dict[str, int] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """One line, without a line end."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Status:
        """The status in the text. Unknown keys are ignored: the agent may be newer. Raises StatusError."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise StatusError(f"not JSON: {error}") from None
        status: Status = _built(cls, document, "status")
        return status


def _built(kind: Any, value: object, where: str) -> Any:  # noqa: ANN401 - it is what `kind` says
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _built_dataclass(kind, value, where)
    origin, items = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return None if value is None else _built(items[0], value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_built(items[0], each, f"{where}[{index}]") for index, each in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _built(items[1], each, f"{where}.{key}") for key, each in value.items()}
    if kind is float and type(value) in (int, float):
        return value
    if type(value) is kind:
        return value
    raise StatusError(f"{where} is not {getattr(kind, '__name__', kind)}")


def _built_dataclass(kind: Any, value: dict[str, object], where: str) -> Any:  # noqa: ANN401 - as _built
    hints = typing.get_type_hints(kind)
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in value:
            values[field.name] = _built(hints[field.name], value[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise StatusError(f"{where} has no {field.name}")
    return kind(**values)


class StatusServer(SocketServer):
    """Answers every connection with the snapshot of that moment."""

    def __init__(self, path: Path, snapshot: Callable[[], Status]) -> None:
        async def answer(_reader: asyncio.StreamReader) -> bytes:
            return snapshot().to_json().encode() + b"\n"

        super().__init__(path, answer, name="status")


def ask(path: Path) -> Status:
    """The status of the agent that listens at `path`. Raises OSError or StatusError."""
    answer = exchange(path)
    if not answer:
        raise StatusError("the agent closed the connection without an answer")
    return Status.from_json(answer)
