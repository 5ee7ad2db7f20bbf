CREATE TABLE record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    message BLOB NOT NULL,
    descriptor BLOB NOT NULL,
    host_boot INTEGER NOT NULL,
    arrived_ns INTEGER NOT NULL,
    crc INTEGER NOT NULL
);
-- The whole duplicate check: written in the same transaction as the records.
CREATE TABLE stream (
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    PRIMARY KEY (uid, boot, stream)
) WITHOUT ROWID;
CREATE TABLE descriptor (hash BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE sink (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE host_boot (
    number INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL UNIQUE,
    seen_ns INTEGER NOT NULL,
    realtime_ns INTEGER NOT NULL,
    offset_ns INTEGER,
    uncertainty_ns INTEGER NOT NULL,
    first_sync_ns INTEGER NOT NULL,
    last_sync_ns INTEGER NOT NULL
);
CREATE TABLE exchange (
    id INTEGER PRIMARY KEY,
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    host_boot INTEGER NOT NULL,
    t1_ns INTEGER NOT NULL,
    t2_us INTEGER NOT NULL,
    t3_us INTEGER NOT NULL,
    t4_ns INTEGER NOT NULL
);
CREATE INDEX exchange_of ON exchange (uid, boot, host_boot);
