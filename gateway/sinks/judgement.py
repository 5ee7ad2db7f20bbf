"""What a stored record says, and whether it may be said yet."""

from __future__ import annotations

from gateway.descriptors import Descriptors, DescriptorStore, Unreadable
from gateway.readings import Loss, Pack, StoredRecord, pack_of
from gateway.sinks.patience import Patience, possible
from gateway.timeline import Timeline

Reading = Pack | Loss | Unreadable


class Judgement:
    """Reads records for one sink, with the sink's patience."""

    def __init__(self, store: DescriptorStore, timeline: Timeline, patience: Patience) -> None:
        self._descriptors = Descriptors(store)
        self._timeline = timeline
        self._patience = patience

    def ready(self, row: StoredRecord) -> Reading | None:
        """What is to be published of the record; None while its time can still get better."""
        reading = self._reading(row)
        if isinstance(reading, Unreadable) or self._patience.ready(row, reading):
            return _possible(reading)
        return None

    def now(self, row: StoredRecord) -> Reading:
        """What would be published of the record now, without patience."""
        return _possible(self._reading(row))

    def _reading(self, row: StoredRecord) -> Reading:
        try:
            return pack_of(row, self._descriptors, self._timeline)
        except Unreadable as error:
            return error


def _possible(reading: Reading) -> Reading:
    if isinstance(reading, Unreadable) or possible(reading):
        return reading
    return Unreadable("impossible_time", f"{reading.utc_ns} ns")
