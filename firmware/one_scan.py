"""One scan of a group, when it is asked for. Loaded where the settings have the node sleep."""

from firmware.heart import GROUPS
from firmware.sampler import SETTLE_US, Sampler


class OneScan(Sampler):
    """`once()` takes one scan, as a block of its own."""

    async def once(self) -> None:
        """Scan; the record is in the queue then."""
        if self.parked:
            return
        self._beat()
        await self._scan(self._ticks.now_us() + SETTLE_US)
        self._flush()
        self._heart.beat(GROUPS + self._group, -1)
