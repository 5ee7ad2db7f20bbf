"""Meets a node as the gateway does: WHO, HELLO, WELCOME, DESCRIBE, and its first readings.

It changes nothing on the node: nothing is acknowledged, so nothing is freed, and every record is
still there for the gateway. The last word is WHO, after which the node looks for a gateway again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from provisioning.descriptor import Channel, NodeDescription, describe
from provisioning.serial_port import NoAnswer, SerialPort
from provisioning.symptoms import last_line, shown
from wire import cbor, down, up
from wire.errors import WireError
from wire.faults import MISSED, NOT_READY, UNSETTLED, name_of
from wire.fields import MESSAGE_OCTETS
from wire.framing import ESCAPES_DOWN, FRAME_LIMIT_UP, FrameReader, stuff
from wire.message import Message
from wire.scans import scans_of

NAME = "fieldgate node install"
WINDOW_OCTETS = 4_096  # of records that stay unacknowledged: more than comes in READINGS_S
HELLO_S = 20.0  # an ESP32 says HELLO two seconds after a reset; a crash shows after the pause of 5 s
WHO_EVERY_S = 1.0
READINGS_S = 12.0  # the default settings give their slowest block after 10 s
LAST_WORD_S = 1.0
_POLL_S = 0.2
_PASSING = (NOT_READY.name, UNSETTLED.name, MISSED.name)  # of a converter that has just got its power
_COUNT_BITS = 16  # of a boot number are random


class NoHello(Exception):
    """The node did not introduce itself. `crash`: the last line of its traceback, or ""."""

    def __init__(self, heard: bytes) -> None:
        super().__init__(f"no HELLO within {HELLO_S:.0f} s")
        self.heard = heard
        self.crash = last_line(heard) if b"Traceback" in heard else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One channel's first value, or the name of the newest fault while there is none."""

    channel: str
    value: Decimal | None
    unit: str
    fault: str | None

    @property
    def settled(self) -> bool:
        """True when waiting longer would not bring a value: it is there, or its fault will stay."""
        return self.fault not in _PASSING


@dataclass(slots=True, kw_only=True)
class Greeting:
    """What the node has said. `complaints`: its log lines of the level error."""

    uid: str = ""
    boot: int = 0
    firmware: str = ""
    reset: str = ""
    node: NodeDescription | None = None
    readings: dict[str, Reading] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    @property
    def boot_count(self) -> int:
        """How many boots the node has counted before this one."""
        return self.boot >> _COUNT_BITS

    @property
    def complete(self) -> bool:
        """True when every sensor's channel has a value or a fault that stays."""
        names = [channel.name for channel in self.node.measured] if self.node else []
        return bool(names) and all(name in self.readings and self.readings[name].settled for name in names)


def greet(port: SerialPort, on_hello: Callable[[Greeting], None]) -> Greeting:
    """Wait for the node and its first readings. Raises NoHello and PortLost.

    `on_hello` is called once the node has introduced itself; readings come for READINGS_S at most.
    """
    conversation = _Conversation(port)
    greeting = conversation.greeting
    for _ in conversation.turns(HELLO_S):
        if greeting.uid:
            break
    else:
        raise NoHello(port.heard)
    on_hello(greeting)
    for _ in conversation.turns(READINGS_S):
        if greeting.complete:
            break
    conversation.part()
    return greeting


class _Conversation:
    def __init__(self, port: SerialPort) -> None:
        self.greeting = Greeting()
        self._port = port
        self._reader = FrameReader(FRAME_LIMIT_UP)
        self._encoder = cbor.Encoder(MESSAGE_OCTETS)
        self._asked_s = 0.0

    def turns(self, seconds: float) -> Iterator[None]:
        """Listen and answer, one turn at a time, for so long."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._ask()
            for message in self._heard():
                self._take(message)
            yield

    def part(self) -> None:
        self._send(down.Who())

    def _ask(self) -> None:
        now_s = time.monotonic()
        if self.greeting.node or now_s - self._asked_s < WHO_EVERY_S:
            return
        self._asked_s = now_s
        if self.greeting.uid:
            self._welcome()
        else:
            self._send(down.Who())

    def _welcome(self) -> None:
        nonce = os.urandom(down.NONCE_OCTETS)
        # No resume points: the node frees nothing.
        self._send(down.Welcome(NAME, [], WINDOW_OCTETS, self.greeting.node is None, nonce))

    def _heard(self) -> Iterator[Message]:
        try:
            with self._port.within(_POLL_S):
                octets = self._port.read_some()
        except NoAnswer:
            return
        for frame in self._reader.feed(octets):
            try:
                yield up.decode(frame)
            except WireError:
                continue  # the gateway counts these; here the next frame will do

    def _send(self, message: Message) -> None:
        try:
            with self._port.within(LAST_WORD_S):
                self._port.write(stuff(message.encode(self._encoder), ESCAPES_DOWN))
        except NoAnswer:
            pass  # nobody takes it: a board that is not up yet

    def _take(self, message: Message) -> None:
        greeting = self.greeting
        match message:
            case up.Hello():
                if greeting.boot != message.boot:
                    greeting.node = None
                    greeting.readings.clear()
                greeting.uid = message.uid.hex()
                greeting.boot = message.boot
                greeting.firmware = shown(message.fw)
                greeting.reset = shown(message.reset)
                self._welcome()
            case up.Describe():
                greeting.node = describe(message.descriptor)
            case up.Block() if greeting.node and message.boot == greeting.boot:
                self._take_block(message, greeting.node)
            case up.Log(level="error") if shown(message.text) not in greeting.complaints:
                greeting.complaints.append(shown(message.text, limit=200))

    def _take_block(self, block: up.Block, node: NodeDescription) -> None:
        channels = node.channels_of(block.group)
        try:
            scans = scans_of(block, len(channels))
        except WireError:
            return
        for number, scan in enumerate(scans):
            for at, (channel, raw) in enumerate(zip(channels, scan, strict=True)):
                fault = None if raw is not None else block.exceptions.get(number * len(channels) + at, 0)
                self._note(channel, raw, fault)

    def _note(self, channel: Channel, raw: int | None, fault: int | None) -> None:
        known = self.greeting.readings.get(channel.name)
        if known and known.value is not None:
            return
        self.greeting.readings[channel.name] = Reading(
            channel=channel.name,
            value=None if raw is None else Decimal(raw).scaleb(channel.exp),
            unit=channel.unit,
            fault=None if fault is None else name_of(fault),
        )
