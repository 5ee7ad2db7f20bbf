"""SQLite through apsw: records, cursors, descriptors and what is known of time, on disk."""

from gateway.store.errors import StoreError
from gateway.store.health import StoreState
from gateway.store.ledger import UNKNOWN_DAY
from gateway.store.records import Arrival, KnownNode, Stored
from gateway.store.store import Store

__all__ = ["UNKNOWN_DAY", "Arrival", "KnownNode", "Store", "StoreError", "StoreState", "Stored"]
