"""A store in memory for timelines."""

from dataclasses import dataclass, field

from gateway.host_boot import HostBootRecord
from gateway.timeline import KeptExchange


@dataclass
class Shelf:
    """Keeps what a timeline stores for the next one."""

    boots: dict[int, HostBootRecord] = field(default_factory=dict)
    kept: list[KeptExchange] = field(default_factory=list)

    def put_exchange(self, kept):
        self.kept.append(kept)

    def put_host_boot(self, record):
        self.boots[record.number] = record

    def exchanges(self):
        return list(self.kept)

    def host_boots(self):
        return [self.boots[number] for number in sorted(self.boots)]
