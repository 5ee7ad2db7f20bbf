"""The kind bme280: a BME280 on an I2C bus."""


def take(keys, settings, out: dict) -> None:
    """Take the keys of this kind into `out`."""
    out["bus"], out["address"] = keys.i2c(settings, (0x76, 0x77))


def make(entry: dict, wires) -> object:
    """The driver of checked settings."""
    from drivers.bme280 import BME280  # noqa: PLC0415 - a check of settings needs no driver

    return BME280(wires.i2c(entry["bus"]), entry["address"])
