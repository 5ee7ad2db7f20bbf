"""`fieldgate demo`: the whole chain on one machine, live, and a ledger of every block at its end."""
