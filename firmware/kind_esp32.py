"""The kind esp32: the board's own temperature, and its supply where a divider leads it to a pin."""


def take(keys, settings, out: dict) -> None:  # noqa: ARG001 - alike for all kinds
    """Take the keys of this kind into `out`."""
    out["supply"] = keys.pin("supply", 0) if keys.has("supply") else None
    out["ratio_milli"] = keys.integer("ratio_milli", 2000, 1000, 100000)


def make(entry: dict, wires) -> object:
    """The driver of checked settings."""
    from drivers.esp32 import ESP32  # noqa: PLC0415 - a check of settings needs no driver

    adc = None if entry["supply"] is None else wires.adc(entry["supply"])
    temperature, fahrenheit = wires.chip_temperature()
    return ESP32(temperature, fahrenheit, adc, entry["ratio_milli"])
