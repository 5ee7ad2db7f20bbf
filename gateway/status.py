"""What the gateway says about itself: a snapshot in values, served as one line of JSON."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import socket
import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from gateway.socket_address import address_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

SOCKET_NAME = "status.sock"  # in the state directory
SOCKET_MODE = 0o660  # the service's group may ask
CLIENT_LIMIT = 16
CLIENT_TIMEOUT_S = 5.0  # for a client that does not read, and for an agent that does not answer
RETRY_S = 5.0  # while a full or read-only disk takes no socket
STATUS_LIMIT = 4 * 1024 * 1024  # octets a client reads; a thousand nodes are 300 KiB


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
    """A serial port; one that no device matches yet has the glob as its path."""

    path: str
    state: str
    detail: str = ""
    age_s: float  # in this state


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """A node that was heard since the start."""

    uid: str  # lower-case hex
    name: str
    port: str | None  # None: on no port now
    boot: int
    link: str
    seen_ago_s: float
    clock: str  # resolved, provisional, interval, unknown
    uncertainty_us: int | None = None
    blocks: int  # taken since the start


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """The store on this host's disk."""

    state: str
    detail: str = ""
    stored: int  # records on disk now
    damaged: int = 0  # records met since the start that were not as they were written
    waiting: dict[str, int] = dataclasses.field(default_factory=dict)  # records not delivered, by sink
    mount: str = ""  # what it is on: kind, options and place; empty while that is not known


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
    backlog_per_s: float = 0.0  # older ones, delivered beside the new ones
    backlog_eta_s: float | None = None  # until no older ones are left; None while none goes


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One moment of the gateway. Ages are seconds before that moment: they need no wall clock."""

    version: str
    gateway: str
    uptime_s: float
    clock: ClockStatus
    store: StoreStatus
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


class StatusServer:
    """Answers every connection with the snapshot of that moment.

    `async with` it where a failure to listen (OSError) matters; `await run()` where it must not.
    """

    def __init__(self, path: Path, snapshot: Callable[[], Status]) -> None:
        self._path = path
        self._snapshot = snapshot
        self._server: asyncio.Server | None = None
        self._address = contextlib.ExitStack()
        self._inode = 0
        self._clients = 0

    async def run(self) -> None:
        """Serve until cancelled. Where it cannot listen it says so once and tries again."""
        said = False
        while True:
            try:
                async with self:
                    said = False
                    await asyncio.Future()
            except OSError as error:
                if not said:
                    log.warning("status: cannot listen at %s: %s", self._path, error)
                said = True
                await asyncio.sleep(RETRY_S)

    async def __aenter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            address = undo.enter_context(address_of(self._path))
            # A socket that an earlier process left is replaced by asyncio; a file of another kind is not.
            self._server = await asyncio.start_unix_server(self._on_client, address)
            self._path.chmod(SOCKET_MODE)
            self._inode = self._path.stat().st_ino
            self._address = undo.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            if self._path.exists() and self._path.stat().st_ino == self._inode:  # not a successor's
                self._path.unlink(missing_ok=True)
        self._address.close()

    async def _on_client(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients <= CLIENT_LIMIT:
                writer.write(self._snapshot().to_json().encode() + b"\n")
                async with asyncio.timeout(CLIENT_TIMEOUT_S):
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        except (OSError, TimeoutError) as error:
            log.debug("status: a client went away: %s", error)
        finally:
            self._clients -= 1
            writer.transport.abort()


def ask(path: Path) -> Status:
    """The status of the agent that listens at `path`. Raises OSError or StatusError."""
    answer = bytearray()
    with socket.socket(socket.AF_UNIX) as client, address_of(path) as address:
        client.settimeout(CLIENT_TIMEOUT_S)
        client.connect(address)
        while (octets := client.recv(65_536)) and len(answer) < STATUS_LIMIT:
            answer += octets
    if not answer:
        raise StatusError("the agent closed the connection without an answer")
    return Status.from_json(bytes(answer))
