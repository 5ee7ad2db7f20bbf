"""An access point, and what a board's station makes of it. Octets go over the PC's loopback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from hil_tests.board.child import codes
from hil_tests.board.host import Host, Timer
from hil_tests.board.processor import Processor

_NOT_STARTED, _WRONG_STATE, _NOT_ACTIVE = 1, 2, 3  # child/late_network.py has their texts


class Status(IntEnum):
    """What WLAN.status() says."""

    BEACON_TIMEOUT = 200
    NO_AP_FOUND = 201
    WRONG_PASSWORD = 202
    IDLE = 1000
    CONNECTING = 1001
    GOT_IP = 1010


@dataclass(slots=True, kw_only=True)
class AccessPoint:
    """Any number of boards may be given the same one. Switch it with `Board.set_access_point`.

    `names` are what its DNS knows: IPv4 by name. The times are a board's: `join_s` to join it,
    `beacons_s` until it misses one that is lost, `address_s` until it then drops its address, and
    with it all sockets.
    """

    ssid: str
    key: str = ""
    names: dict[str, str] = field(default_factory=dict)
    rssi: int = -60
    up: bool = True
    join_s: float = 0.3
    beacons_s: float = 6.0
    address_s: float = 120.0


class Station:
    """The WLAN interface of one board. Lives in the host's thread."""

    def __init__(self, host: Host, access_point: AccessPoint | None, number: int) -> None:
        self._host = host
        self._ap = access_point
        self._number = number  # the last octet of its address
        self._processor: Processor | None = None
        self._timers: dict[str, Timer] = {}
        self.off()

    def off(self) -> None:
        """The radio has no power."""
        for what in list(self._timers):
            self._forget(what)
        self._processor = None
        self._active = False
        self._wanted: tuple[str, str] | None = None
        self._joined = False
        self._has_address = False
        self._reason = 0  # of the last disconnection
        self._reconnects = 0  # how often it may try; 0: for ever
        self._tries = 0
        self._generation = 0

    def begin(self, processor: Processor) -> None:
        """A boot; after a soft reset the radio is as before."""
        self._processor = processor
        if self._active:
            self._tell()

    def queries(self) -> dict[str, Callable[..., Any]]:
        """By the names that the processor asks with; each gives [fault, answer]."""
        return {
            "wifi_active": self._set_active,
            "wifi_connect": self._connect,
            "wifi_disconnect": self._disconnect,
            "wifi_status": lambda: [0, self._status()],
            "wifi_reconnects": self._set_reconnects,
            "wifi_rssi": lambda: [0, self._ap.rssi] if self._joined and self._ap else [_WRONG_STATE, 0],
            "wifi_scan": self._scan,
            "wifi_ssid": lambda: [0, self._wanted[0] if self._wanted else ""],
            "wifi_addresses": self._addresses,
            "resolve": lambda name: self._ap.names.get(name) if self._ap else None,
        }

    def on_change(self) -> None:
        """The access point has come or gone."""
        if self._joined and self._ap is not None:
            self._forget("beacons")
            if not self._ap.up:
                self._later("beacons", self._ap.beacons_s, self._lose)
        self._tell()

    # What the firmware asks

    def _set_active(self, on: bool | None) -> list[Any]:
        if on is not None and bool(on) != self._active:
            self._active = bool(on)
            if not self._active:
                self._wanted = None
                self._leave()
                self._drop_address()
        return [0, self._active]

    def _connect(self, ssid: str | None, key: str | None) -> list[Any]:
        if not self._active:
            return [_NOT_STARTED, None]
        if self._wanted is not None and not self._joined:
            return [_WRONG_STATE, None]
        if ssid is None and self._wanted is None:
            return [_WRONG_STATE, None]
        if ssid is not None:
            self._wanted = (ssid, key or "")
        self._tries = 0
        self._leave()
        self._try()
        return [0, None]

    def _disconnect(self) -> list[Any]:
        if not self._active:
            return [_NOT_STARTED, None]
        self._wanted = None
        self._leave()
        self._tell()
        return [0, None]

    def _set_reconnects(self, count: int) -> list[Any]:
        self._reconnects = max(0, count)
        return [0, None]

    def _status(self) -> int:
        if self._joined:
            return Status.GOT_IP
        if self._wanted is not None and (not self._reconnects or self._tries < self._reconnects):
            return Status.CONNECTING
        return self._reason or Status.IDLE

    def _scan(self) -> list[Any]:
        if not self._active:
            return [_NOT_ACTIVE, None]
        ap = self._ap
        return [0, [[ap.ssid, ap.rssi, bool(ap.key)]] if ap is not None and ap.up else []]

    def _addresses(self) -> list[Any]:
        if not self._has_address:
            return [0, ["0.0.0.0"] * 4]
        return [0, [f"192.168.4.{self._number}", "255.255.255.0", "192.168.4.1", "192.168.4.1"]]

    # What becomes of it

    def _try(self) -> None:
        self._later("join", self._ap.join_s if self._ap else 1.0, self._tried)

    def _tried(self) -> None:
        ap = self._ap
        if self._wanted is None:
            return
        if ap is not None and ap.up and self._wanted == (ap.ssid, ap.key):
            self._forget("address")
            self._joined = self._has_address = True
            self._reason = self._tries = 0
            self._tell()
            return
        reachable = ap is not None and ap.up and self._wanted[0] == ap.ssid
        self._reason = Status.WRONG_PASSWORD if reachable else Status.NO_AP_FOUND
        self._tries += 1
        if not self._reconnects or self._tries < self._reconnects:
            self._try()

    def _lose(self) -> None:
        self._reason = Status.BEACON_TIMEOUT
        self._leave()
        self._tell()
        if self._wanted is not None:
            self._try()

    def _leave(self) -> None:
        self._forget("join")
        self._forget("beacons")
        if self._joined and self._ap is not None:
            self._joined = False
            self._later("address", self._ap.address_s, self._drop_address)

    def _drop_address(self) -> None:
        if self._has_address and not self._joined:
            self._has_address = False
            self._generation += 1
        self._tell()

    def _tell(self) -> None:
        if self._processor is not None:
            flows = self._joined and self._ap is not None and self._ap.up
            state = int(flows) | int(self._has_address) << 1 | self._generation << 2
            self._processor.send(codes.NETWORK, 0, state)

    def _later(self, what: str, delay_s: float, call: Callable[[], None]) -> None:
        self._forget(what)
        self._timers[what] = self._host.after(delay_s, call)

    def _forget(self, what: str) -> None:
        if what in self._timers:
            self._timers.pop(what).cancel()
