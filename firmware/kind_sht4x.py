"""The kind sht4x: an SHT4x on an I2C bus."""


def take(keys, settings, out: dict) -> None:
    """Take the keys of this kind into `out`."""
    out["bus"], out["address"] = keys.i2c(settings, (0x44, 0x45, 0x46))
    out["precision"] = keys.choice("precision", "high", ("high", "medium", "low"))


def make(entry: dict, wires) -> object:
    """The driver of checked settings."""
    from drivers.sht4x import SHT4x  # noqa: PLC0415 - a check of settings needs no driver

    return SHT4x(wires.i2c(entry["bus"]), entry["address"], entry["precision"])
