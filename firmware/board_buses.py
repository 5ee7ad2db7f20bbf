"""The board's buses, pins and UARTs, made from the settings once; nothing defined here outlives the start."""

import machine

from wire.compat import const

_UART_RX_OCTETS = const(512)  # two of the largest downward frames
_UART_TX_OCTETS = const(2200)  # one of the largest upward frames: a write never waits for the line


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


def uart(settings: dict) -> object:
    """The UART of settings.link["uart"]; its reads never wait."""
    return machine.UART(
        settings["id"],
        baudrate=settings["baud"],
        tx=machine.Pin(settings["tx"]),
        rx=machine.Pin(settings["rx"]),
        rxbuf=_UART_RX_OCTETS,
        txbuf=_UART_TX_OCTETS,
        timeout=0,
    )
