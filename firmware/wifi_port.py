"""Wi-Fi as the link's port. It speaks in frames, as every port does; they go no further than here."""

import asyncio
import gc

from wire.compat import const
from wire.framing import ESCAPES_UP, stuff, unstuff

_FCS_OCTETS = const(4)
_AGAIN_MS = const(60000)


class WifiPort:
    """Connects with the first `read`, when what only the start needs has left the heap."""

    def __init__(self, wifi: dict, broker: dict) -> None:
        self.heart = None
        self._settings = (wifi, broker)
        self._client = None

    @property
    def ready(self) -> bool:
        """Whether what is written may arrive."""
        return self._client is not None and self._client.ready

    async def read(self) -> bytes:
        """The frame of the next message."""
        while True:
            try:
                if self._client is None:
                    self._begin()
                return stuff(await self._client.read(), ESCAPES_UP)
            except Exception as error:  # noqa: BLE001 - no umqtt, radio, memory; a mistake: the readings go on
                self._client = None
                print("wifi: " + repr(error))  # noqa: T201
                await asyncio.sleep_ms(_AGAIN_MS)

    def _begin(self) -> None:
        gc.collect()
        # Imported here: earlier it would lie between what is let go, and leave holes.
        from firmware.wifi_client import WifiClient  # noqa: PLC0415

        self._client = WifiClient(*self._settings, self.heart)

    def write(self, frame: bytes) -> None:
        """Publish the frame's message."""
        if self._client is not None:
            self._client.write(unstuff(frame[1:-1])[:-_FCS_OCTETS])
