"""What is on disk: SQLite through apsw, one writer thread, acknowledged means committed."""

from gateway.store.database import StoreError
from gateway.store.rows import Arrival, Stored
from gateway.store.store import Store

__all__ = ["Arrival", "Store", "StoreError", "Stored"]
