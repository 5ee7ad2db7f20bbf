"""The node as a station of a Wi-Fi network. Only this file knows `network`."""

import asyncio

import network

from wire.compat import const

_JOIN_MS = const(15000)  # DHCP included
_LOOK_MS = const(100)


class Station:
    """Joins one network; the radio itself comes back after a short loss."""

    def __init__(self, ssid: str, key: str) -> None:
        self._ssid = ssid
        self._key = key
        self._wlan = network.WLAN(network.STA_IF)
        try:
            self._wlan.active(True)  # it takes its memory before Python's heap grows into it
        except OSError:
            pass  # `join` says it

    async def join(self) -> None:
        """Be in the network, or raise OSError with what the radio says."""
        wlan = self._wlan
        if wlan.isconnected() and wlan.config("ssid") == self._ssid:
            return
        # Off and on: after some failures the radio refuses to connect until then, and a soft reset
        # leaves it as it was.
        wlan.active(False)
        wlan.active(True)
        wlan.connect(self._ssid, self._key or None)
        for _ in range(_JOIN_MS // _LOOK_MS):
            if wlan.isconnected():
                return
            await asyncio.sleep_ms(_LOOK_MS)
        raise OSError("not joined, status " + str(wlan.status()))
