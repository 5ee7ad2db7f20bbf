-- Every small row has a crc (small_rows.py); a record's crc covers its id, too (records.py).

-- Everything that came, as it came, and the GAPs in which the gateway names its own losses. Ids are
-- given by the writer and ascend. Delivered rows go at the low end, and the newest stays, so that an
-- id is never used twice; `removed` counts what went elsewhere.
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

-- What is dropped first when there is no room is found here. Readings, stream 1, are found by scanning.
CREATE INDEX record_of_other_streams ON record (stream) WHERE stream <> 1;

-- next_seq is the whole duplicate check. It is written together with the records and outlives them.
-- All below settled_seq is gone from `record`: delivered to every sink, or named in `loss`. From there
-- to next_seq everything is in `record`, or in `loss`, or in `stretch`.
CREATE TABLE stream (
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    settled_seq INTEGER NOT NULL,
    descriptor BLOB NOT NULL,
    first_host_boot INTEGER NOT NULL,
    first_arrived_ns INTEGER NOT NULL,
    last_host_boot INTEGER NOT NULL,
    last_arrived_ns INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (uid, boot, stream)
) WITHOUT ROWID;

-- The seq with which a stream goes on in a day of UTC: days since 1970, -1 while the kernel does not
-- vouch for the clock.
CREATE TABLE day (
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    day INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (uid, boot, stream, day)
) WITHOUT ROWID;

-- Every named gap: those of the nodes and the gateway's own. Disjoint; those that touch and have one
-- reason are one.
CREATE TABLE loss (
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (uid, boot, stream, seq)
) WITHOUT ROWID;

-- What is not in the order of ids, of a stream that was salvaged or imported. state 1: wanted, not found
-- yet; 2: in `record`, behind later ones; 3: gone from there like what is below settled_seq.
CREATE TABLE stretch (
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    state INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (uid, boot, stream, seq)
) WITHOUT ROWID;

-- How many rows were taken out of `record` on purpose, but for its low end. bucket: id / 4096.
CREATE TABLE removed (
    bucket INTEGER NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    crc INTEGER NOT NULL
) WITHOUT ROWID;

-- Damaged stores in quarantine/ whose records are still to be taken over.
CREATE TABLE salvage (
    folder INTEGER NOT NULL PRIMARY KEY,
    cursor INTEGER NOT NULL,
    crc INTEGER NOT NULL
) WITHOUT ROWID;

-- A descriptor's hash is its check.
CREATE TABLE descriptor (
    hash BLOB NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;

-- cursor: everything up to this record id is delivered to the sink.
CREATE TABLE sink (
    name TEXT NOT NULL PRIMARY KEY,
    cursor INTEGER NOT NULL,
    crc INTEGER NOT NULL
) WITHOUT ROWID;

-- Ids above the cursor that are delivered, both ends included.
CREATE TABLE delivered (
    sink TEXT NOT NULL,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (sink, first_id)
) WITHOUT ROWID;

-- Records that a broker refused for good, as they were. realtime_ns: UTC of the refusal by the wall
-- clock, NULL if the kernel did not vouch for it.
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY,
    sink TEXT NOT NULL,
    record INTEGER NOT NULL,
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
    reason_code INTEGER NOT NULL,
    reason TEXT NOT NULL,
    realtime_ns INTEGER,
    crc INTEGER NOT NULL
);

-- Delivered records that were told with a time that may get better.
CREATE TABLE uncertain (
    sink TEXT NOT NULL,
    id INTEGER NOT NULL,
    state TEXT NOT NULL,
    uncertainty_ns INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (sink, id)
) WITHOUT ROWID;

-- Up to where a consumer has a stream on its own disk.
CREATE TABLE consumer (
    sink TEXT NOT NULL,
    name TEXT NOT NULL,
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (sink, name, uid, boot, stream)
) WITHOUT ROWID;

CREATE TABLE exchange (
    uid BLOB NOT NULL,
    boot INTEGER NOT NULL,
    host_boot INTEGER NOT NULL,
    t1_ns INTEGER NOT NULL,
    t2_us INTEGER NOT NULL,
    t3_us INTEGER NOT NULL,
    t4_ns INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (uid, boot, host_boot, t1_ns)
) WITHOUT ROWID;

-- offset_ns: UTC minus CLOCK_BOOTTIME; NULL as long as the kernel did not vouch for the wall clock.
-- machine: whose boots these are; empty for this host's own. pieces: gateway/host_piece.py.
CREATE TABLE host_boot (
    number INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL,
    seen_ns INTEGER NOT NULL,
    realtime_ns INTEGER NOT NULL,
    offset_ns INTEGER,
    uncertainty_ns INTEGER NOT NULL,
    first_sync_ns INTEGER NOT NULL,
    last_sync_ns INTEGER NOT NULL,
    machine TEXT NOT NULL,
    pieces TEXT NOT NULL,
    crc INTEGER NOT NULL
);

-- Octets given to the file system for the store. day: of UTC since 1970, -1 until it is known.
CREATE TABLE written (
    day INTEGER NOT NULL PRIMARY KEY,
    octets INTEGER NOT NULL,
    crc INTEGER NOT NULL
) WITHOUT ROWID;
