"""The board's console, buses, pins and UARTs, made from the settings once; no function outlives the start."""

import sys

import machine

from wire.compat import const

_UART_RX_OCTETS = const(512)  # two of the largest downward frames
_UART_TX_OCTETS = const(2200)  # one of the largest upward frames: a write never waits for the line


class Interrupts:
    """Keeps interrupts away for some microseconds: `enable` takes what `disable` gave.

    A driver keeps this class, but both functions are the machine's: nothing of this module stays with it.
    """

    disable = staticmethod(machine.disable_irq)
    enable = staticmethod(machine.enable_irq)


def console() -> "tuple[object, object]":
    """The console's octets: (to read, to write), no end-of-line translation."""
    return sys.stdin.buffer, sys.stdout.buffer


def i2c(bus: int, settings: dict) -> object:
    """I2C bus number `bus` on the pins of one member of settings.i2c."""
    scl = machine.Pin(settings["scl"])
    sda = machine.Pin(settings["sda"])
    return machine.I2C(bus, scl=scl, sda=sda, freq=settings["freq"])


def spi(bus: int, settings: dict, mode: int) -> object:
    """SPI bus number `bus` on the pins of one member of settings.spi, in one of SPI's four modes."""
    sck = machine.Pin(settings["sck"])
    mosi = machine.Pin(settings["mosi"])
    miso = machine.Pin(settings["miso"])
    return machine.SPI(
        bus + 1,  # 0 is the flash's
        baudrate=settings["freq"],
        polarity=mode >> 1,
        phase=mode & 1,
        sck=sck,
        mosi=mosi,
        miso=miso,
    )


def one_wire(pin: int) -> object:
    """The 1-wire bus on a pin."""
    import onewire  # noqa: PLC0415 - most nodes have none

    return onewire.OneWire(machine.Pin(pin))


def pin_out(number: int, level: int = 0) -> object:
    """A pin that drives, to `level` at first."""
    return machine.Pin(number, machine.Pin.OUT, value=level)


def pin_in(number: int, rest: int) -> object:
    """A pin that listens; at `rest` where nothing is on it: a wire that is off must not read as noise."""
    return machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP if rest else machine.Pin.PULL_DOWN)


def pin(number: int) -> object:
    """A pin as it is set up already."""
    return machine.Pin(number)


def adc(pin: int) -> object:
    """The ADC of a pin, with the attenuation that takes 0.15 to 2.45 V."""
    return machine.ADC(machine.Pin(pin), atten=machine.ADC.ATTN_11DB)


def chip_temperature() -> "tuple[object, bool]":
    """What gives the chip's temperature in whole degrees, or None; whether they are Fahrenheit."""
    import esp32  # noqa: PLC0415 - most nodes do not ask

    if hasattr(esp32, "raw_temperature"):
        return esp32.raw_temperature, True  # of the first ESP32
    return getattr(esp32, "mcu_temperature", None), False


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
