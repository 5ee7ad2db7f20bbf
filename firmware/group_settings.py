"""The keys of one member of `groups` in /settings.json."""

from wire.compat import const

SCANS_MOST = const(64)  # of one BLOCK
PERIOD_LEAST_MS = const(10)
PERIOD_MOST_MS = const(3600000)
DECIMATE_MOST = const(3600)
REPORT_MS = const(10000)
HEALTH = const("health")  # the group that every node has by itself
SPS_LEAST = const(10)
SPS_MOST = const(320)


def group(keys) -> dict:
    """Checked values of one group, every default filled in."""
    sps = keys.integer("sps", 0, SPS_LEAST, SPS_MOST) if keys.has("sps") else 0
    if sps and keys.has("period_ms"):
        raise keys.bad("period_ms", "is the sensor's own where there is sps")
    out = {
        "name": keys.text("name", ""),
        "sps": sps,
        "period_ms": keys.integer("period_ms", 1000, PERIOD_LEAST_MS, PERIOD_MOST_MS),
        "decimate": keys.integer("decimate", 1, 1, DECIMATE_MOST),
        "scans": keys.integer("scans", SCANS_MOST if sps else 10, 1, SCANS_MOST),
        "report_ms": keys.integer("report_ms", REPORT_MS, 0, PERIOD_MOST_MS),
        "sensors": keys.take("sensors", None),
    }
    if not out["name"]:
        raise keys.bad("name", "is missing")
    if not isinstance(out["sensors"], list) or not out["sensors"]:
        raise keys.bad("sensors", "not an array of indexes into sensors")
    if out["period_ms"] * out["decimate"] > PERIOD_MOST_MS:
        raise keys.bad("decimate", "a scan over " + str(PERIOD_MOST_MS) + " ms long")
    keys.done()
    return out
