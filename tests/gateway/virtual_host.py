"""A host whose clocks stand where the test puts them."""

from dataclasses import dataclass

from gateway.host_clock import UNSYNCHRONISED_NS, HostReading

MS = 1_000_000
S = 1_000_000_000
HOUR = 3600 * S
UTC = 1_800_000_000 * S  # UTC at boottime 0 of the first boot, if nothing else is said


@dataclass
class VirtualClock:
    """A host: true time is what the test says, the wall clock what the host believes."""

    boot_id: str = "first"
    booted_utc_ns: int = UTC
    now_ns: int = 10 * S  # boottime
    wall_off_ns: int = 0  # what is wrong with the wall clock
    synchronised: bool = True
    uncertainty_ns: int = 5 * MS

    def boottime_ns(self):
        return self.now_ns

    def reading(self):
        return HostReading(
            boottime_ns=self.now_ns,
            realtime_ns=self.booted_utc_ns + self.now_ns + self.wall_off_ns,
            synchronised=self.synchronised,
            uncertainty_ns=self.uncertainty_ns if self.synchronised else UNSYNCHRONISED_NS,
        )
