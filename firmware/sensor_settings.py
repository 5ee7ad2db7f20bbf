"""The keys of one member of `sensors` in /settings.json, by driver (docs/firmware.md)."""

from binascii import unhexlify

from wire.compat import const
from wire.fields import TEXT_LIMIT

CAL_DEPTH = const(4)  # objects and arrays within each other; the link allows 8 in all


def sensor(keys, settings) -> dict:
    """Checked values of one sensor, every default filled in; `settings` has the buses."""
    driver = keys.choice("driver", None, tuple(_KEYS_OF))
    out = {"driver": driver, "serial": keys.text("serial", ""), "cal": keys.take("cal", {})}
    if not isinstance(out["cal"], dict):
        raise keys.bad("cal", "not an object")
    if not _within_depth(out["cal"], CAL_DEPTH):
        raise keys.bad("cal", "nested over " + str(CAL_DEPTH))
    out["channels"] = _names(keys)
    _KEYS_OF[driver](keys, settings, out)
    keys.done()
    return out


def _within_depth(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return depth > 0 and all(_within_depth(member, depth - 1) for member in value)


def _names(keys) -> "list[str] | None":
    names = keys.take("channels", None)
    if names is None:
        return None
    if not isinstance(names, list):
        raise keys.bad("channels", "not an array of names")
    for name in names:
        if not isinstance(name, str) or not 1 <= len(name.encode()) <= TEXT_LIMIT:
            raise keys.bad("channels", "not an array of names")
    return names


def _i2c_bus(keys, settings, out: dict) -> None:
    out["bus"] = keys.integer("bus", 0, 0, len(settings.i2c) - 1)


def _spi_bus(keys, settings, out: dict) -> None:
    out["bus"] = keys.integer("bus", 0, 0, len(settings.spi) - 1)


def _bme280(keys, settings, out: dict) -> None:
    _i2c_bus(keys, settings, out)
    out["address"] = keys.choice("address", 0x76, (0x76, 0x77))


def _hx711(keys, settings, out: dict) -> None:  # noqa: ARG001 - alike for all
    out["clock"] = keys.pin("clock", 18)
    out["data"] = keys.pin("data", 19)
    out["gain"] = keys.choice("gain", 128, (128, 64, 32))


def _sht4x(keys, settings, out: dict) -> None:
    _i2c_bus(keys, settings, out)
    out["address"] = keys.choice("address", 0x44, (0x44, 0x45, 0x46))
    out["precision"] = keys.choice("precision", "high", ("high", "medium", "low"))


def _nau7802(keys, settings, out: dict) -> None:
    _i2c_bus(keys, settings, out)
    out["gain"] = keys.choice("gain", 128, (1, 2, 4, 8, 16, 32, 64, 128))
    out["rate"] = keys.choice("rate", 80, (10, 20, 40, 80, 320))
    out["ldo_mv"] = keys.choice("ldo_mv", 3000, (0, 2400, 2700, 3000, 3300, 3600, 3900, 4200, 4500))
    out["drdy"] = keys.pin("drdy", 0) if keys.has("drdy") else None
    out["afe"] = _octets(keys, "afe", 7)


def _ads1220(keys, settings, out: dict) -> None:
    _spi_bus(keys, settings, out)
    out["cs"] = keys.pin("cs", 15)
    out["drdy"] = keys.pin("drdy", 27)
    out["inputs"] = keys.choice("inputs", "01", ("01", "02", "03", "12", "13", "23"))
    out["gain"] = keys.choice("gain", 128, (1, 2, 4, 8, 16, 32, 64, 128))
    out["rate"] = keys.choice("rate", 20, (20, 45, 90, 175, 330, 600, 1000))
    out["check_every"] = keys.integer("check_every", 600, 0, 1000000)


def _ds18b20(keys, settings, out: dict) -> None:  # noqa: ARG001 - alike for all
    out["pin"] = keys.pin("pin", 4)
    out["rom"] = _octets(keys, "rom", 8)
    out["bits"] = keys.choice("bits", 12, (9, 10, 11, 12))


def _octets(keys, key: str, count: int) -> "bytes | None":
    digits = keys.text(key, "")
    if not digits:
        return None
    try:
        octets = unhexlify(digits)
    except ValueError:
        octets = b""
    if len(octets) != count:
        raise keys.bad(key, "not " + str(2 * count) + " hexadecimal digits")
    return octets


_KEYS_OF = {
    "bme280": _bme280,
    "sht4x": _sht4x,
    "ds18b20": _ds18b20,
    "hx711": _hx711,
    "nau7802": _nau7802,
    "ads1220": _ads1220,
}
