"""Every SQL statement of the gateway outside the migrations."""

PUT_RECORD = (
    "INSERT INTO record (uid, boot, stream, seq, next_seq, kind, message, descriptor, host_boot,"
    " arrived_ns, crc) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
)
PUT_STREAM = (
    "INSERT INTO stream (uid, boot, stream, next_seq) VALUES (?,?,?,?)"
    " ON CONFLICT DO UPDATE SET next_seq = excluded.next_seq"
)
STREAM_OF = "SELECT next_seq FROM stream WHERE uid = ? AND boot = ? AND stream = ?"
STREAMS = "SELECT boot, stream, next_seq FROM stream WHERE uid = ?"
PUT_DESCRIPTOR = "INSERT OR IGNORE INTO descriptor (hash, body) VALUES (?,?)"
DESCRIPTOR = "SELECT body FROM descriptor WHERE hash = ?"
PUT_SINK = "INSERT OR IGNORE INTO sink (name, position) VALUES (?,0)"
MOVE_SINK = "UPDATE sink SET position = ? WHERE name = ? AND position < ?"
SINKS = "SELECT name, position FROM sink"
READ_AFTER = (
    "SELECT id, uid, boot, stream, seq, next_seq, kind, message, descriptor, host_boot,"
    " arrived_ns, crc FROM record WHERE id > ? ORDER BY id LIMIT ?"
)
LAST_ID = "SELECT seq FROM sqlite_sequence WHERE name = 'record'"
COUNT = "SELECT count(*) FROM record"
COUNT_AFTER = "SELECT count(*) FROM record WHERE id > ?"
FORGET = (
    "DELETE FROM record WHERE id <= (SELECT max(id) FROM"
    " (SELECT id FROM record WHERE id <= ? ORDER BY id LIMIT ?))"
)
PUT_HOST_BOOT = (
    "INSERT INTO host_boot (number, boot_id, seen_ns, realtime_ns, offset_ns, uncertainty_ns,"
    " first_sync_ns, last_sync_ns) VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (number) DO UPDATE SET"
    " seen_ns = excluded.seen_ns, realtime_ns = excluded.realtime_ns, offset_ns = excluded.offset_ns,"
    " uncertainty_ns = excluded.uncertainty_ns, first_sync_ns = excluded.first_sync_ns,"
    " last_sync_ns = excluded.last_sync_ns"
)
HOST_BOOTS = (
    "SELECT number, boot_id, seen_ns, realtime_ns, offset_ns, uncertainty_ns, first_sync_ns,"
    " last_sync_ns FROM host_boot ORDER BY number"
)
PUT_EXCHANGE = (
    "INSERT INTO exchange (uid, boot, host_boot, t1_ns, t2_us, t3_us, t4_ns) VALUES (?,?,?,?,?,?,?)"
)
THIN_EXCHANGES = (
    "DELETE FROM exchange WHERE uid = ?1 AND boot = ?2 AND host_boot = ?3 AND id NOT IN"
    " (SELECT id FROM exchange WHERE uid = ?1 AND boot = ?2 AND host_boot = ?3 ORDER BY id DESC LIMIT ?4)"
)
EXCHANGES = "SELECT uid, boot, host_boot, t1_ns, t2_us, t3_us, t4_ns FROM exchange ORDER BY id"
