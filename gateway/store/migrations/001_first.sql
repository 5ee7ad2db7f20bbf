-- Everything that came, as it came. Ids are consecutive and given by the writer; rows go at the low
-- end only, and the newest stays, so that an id is never used twice.
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
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

-- next_seq is the whole duplicate check. It is written together with the records and outlives them.
CREATE TABLE stream (
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    descriptor BLOB NOT NULL,
    first_host_boot INTEGER NOT NULL,
    first_arrived_ns INTEGER NOT NULL,
    last_host_boot INTEGER NOT NULL,
    last_arrived_ns INTEGER NOT NULL,
    PRIMARY KEY (uid, boot, stream)
) WITHOUT ROWID;

CREATE TABLE descriptor (
    hash BLOB NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;

-- cursor: everything up to this record id is delivered to the sink.
CREATE TABLE sink (
    name TEXT NOT NULL PRIMARY KEY,
    cursor INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE exchange (
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    host_boot INTEGER NOT NULL,
    t1_ns INTEGER NOT NULL,
    t2_us INTEGER NOT NULL,
    t3_us INTEGER NOT NULL,
    t4_ns INTEGER NOT NULL,
    PRIMARY KEY (uid, boot, host_boot, t1_ns)
) WITHOUT ROWID;

-- offset_ns: UTC minus CLOCK_BOOTTIME; NULL as long as the kernel did not vouch for the wall clock.
CREATE TABLE host_boot (
    number INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL,
    seen_ns INTEGER NOT NULL,
    realtime_ns INTEGER NOT NULL,
    offset_ns INTEGER,
    uncertainty_ns INTEGER NOT NULL,
    first_sync_ns INTEGER NOT NULL,
    last_sync_ns INTEGER NOT NULL
);
