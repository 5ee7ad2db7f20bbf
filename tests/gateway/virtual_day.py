"""A host that boots, is set, drifts and is stepped on virtual clocks; true time is UTC."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.host_clock import UNSYNCHRONISED_NS, HostReading

S = 1_000_000_000
UTC_S = 1_800_000_000  # of true second 0
PPM = 1e-6
STATED_NS = 5_000_000
PERFECT_NS = 100_000
UPDATE_S = 64.0  # the daemon asks its server so often, and states its error then
KERNEL_PPM = 500  # what the kernel adds to its bound


@dataclass(frozen=True, kw_only=True)
class HostLife:
    """One boot of the host, in true seconds.

    From `sync_s` on a daemon has set the clock right (to `error_s`) and vouches for it, until
    `lost_s`, and again from `again_s` on. `steps`: (when, by how much) of the wall clock; `bends`:
    (when, by how much, within what time) of both clocks, as a daemon slews them.
    """

    begin_s: float
    end_s: float
    sync_s: float | None
    wall_off_s: float = 0.0
    error_s: float = 0.0
    lost_s: float = 1e12
    again_s: float = 1e12
    free_ppm: float = 0.0
    stated_ns: int = STATED_NS  # what the daemon says its error is at most; up to PERFECT_NS all the time
    steps: tuple[tuple[float, float], ...] = ()
    bends: tuple[tuple[float, float, float], ...] = ()


class VirtualDay:
    """The Clock of a HostLife, at the moment `at_s`; `told` changes what it says."""

    def __init__(
        self, life: HostLife, told: Callable[[HostReading], HostReading] = lambda reading: reading
    ) -> None:
        self.life = life
        self._told = told
        self.boot_id = f"booted {life.begin_s}"
        self.at_s = life.begin_s

    def boottime_of(self, true_s: float) -> int:
        """CLOCK_BOOTTIME at a moment."""
        life = self.life
        since_s = true_s - life.begin_s
        free_s = since_s if life.sync_s is None else min(since_s, life.sync_s - life.begin_s)
        if true_s > life.lost_s:
            free_s += min(true_s, life.again_s) - life.lost_s
        for at_s, by_s, over_s in life.bends:
            since_s += by_s * min(1.0, max(0.0, true_s - at_s) / over_s)
        return int((since_s + free_s * life.free_ppm * PPM) * S)

    def boottime_ns(self) -> int:
        return self.boottime_of(self.at_s)

    def reading(self) -> HostReading:
        boottime_ns = self.boottime_ns()
        return self._told(
            HostReading(
                boottime_ns=boottime_ns,
                realtime_ns=boottime_ns + self._offset_ns(),
                synchronised=self._vouched_since() is not None,
                uncertainty_ns=self._stated_ns(),
            )
        )

    def _offset_ns(self) -> int:
        life = self.life
        since_s = self._set_since()
        stepped_ns = 0
        for at_s, by_s in life.steps:
            if (since_s or life.begin_s) <= at_s <= self.at_s:
                stepped_ns += int(by_s * S)
        if since_s is None:
            return int((UTC_S + life.begin_s + life.wall_off_s) * S) + stepped_ns
        # What a bend still has to bend away is in the error.
        ahead_s = sum(by_s for at_s, by_s, _over_s in life.bends if at_s >= since_s)
        set_ns = int((UTC_S + since_s + life.error_s - ahead_s) * S)
        return set_ns - self.boottime_of(since_s) + stepped_ns

    def _set_since(self) -> float | None:
        """Since when the daemon has had its say."""
        if self.at_s >= self.life.again_s:
            return self.life.again_s
        if self.life.sync_s is not None and self.life.sync_s <= self.at_s:
            return self.life.sync_s
        return None

    def _vouched_since(self) -> float | None:
        since_s = self._set_since()
        return None if self.life.lost_s <= self.at_s < self.life.again_s else since_s

    def _stated_ns(self) -> int:
        since_s = self._vouched_since()
        if since_s is None:
            return UNSYNCHRONISED_NS
        aged_s = (self.at_s - since_s) % UPDATE_S
        asked_s = self.at_s - aged_s
        remaining_s = sum(
            abs(by_s) * (1 - min(1.0, max(0.0, asked_s - at_s) / over_s))
            for at_s, by_s, over_s in self.life.bends
        )
        if self.life.stated_ns <= PERFECT_NS:
            return self.life.stated_ns
        return self.life.stated_ns + int((remaining_s + aged_s * KERNEL_PPM * PPM) * S)
