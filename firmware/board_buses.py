"""The board's buses and pins, made from the settings once; nothing defined here outlives the start."""

import machine


def i2c(bus: int, settings: dict) -> object:
    """I2C bus number `bus` on the pins of one member of settings.i2c."""
    scl = machine.Pin(settings["scl"])
    sda = machine.Pin(settings["sda"])
    return machine.I2C(bus, scl=scl, sda=sda, freq=settings["freq"])


def pin_out(number: int) -> object:
    """A pin that drives, low at first."""
    return machine.Pin(number, machine.Pin.OUT, value=0)


def pin_in(number: int) -> object:
    """A pin that listens."""
    return machine.Pin(number, machine.Pin.IN)
