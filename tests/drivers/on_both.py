"""What the vectors call, on either runtime; in the MicroPython dialect."""

from drivers.bme280 import BME280, decode
from drivers.bme280_trim import HIGH_OCTETS, LOW_OCTETS, Trim, centi_celsius
from drivers.ds18b20 import DS18B20
from drivers.esp32 import ESP32
from drivers.one_wire import Chips
from drivers.sht4x import SHT4x
from tests.drivers.heap import octets_of


def compensate(low, high, adc_t, adc_p, adc_h):
    """(t_fine, centi-degrees C, Pa, centi-%RH) of three codes."""
    trim = Trim(low, high)
    t_fine = trim.t_fine(adc_t)
    return t_fine, centi_celsius(t_fine), trim.pressure(adc_p, t_fine), trim.humidity(adc_h, t_fine)


def decode_frame(low, high, octets):
    return decode(Trim(low, high), octets)


class Registers:
    """A bus with one chip that is nothing but memory; a conversion is over at once."""

    def __init__(self, low, high, data, chip_id=0x60):
        self.memory = bytearray(256)
        self.memory[0x88 : 0x88 + LOW_OCTETS] = low
        self.memory[0xD0] = chip_id
        self.memory[0xE1 : 0xE1 + HIGH_OCTETS] = high
        self.memory[0xF7:0xFF] = data

    def readfrom_mem_into(self, addr, memaddr, buf):
        for at in range(len(buf)):
            buf[at] = self.memory[memaddr + at]

    def writeto_mem(self, addr, memaddr, buf):
        self.memory[memaddr] = buf[0] & 0xFC if memaddr == 0xF4 else buf[0]


def read_bme280(low, high, data):
    """The second reading of a chip with these registers."""
    driver = BME280(Registers(low, high, data))
    driver.open()
    for _ in range(2):
        driver.start()
        items = driver.read() if driver.ready() else None
    return items


def open_bme280(low, high, chip_id):
    """Open a chip that says it is `chip_id`."""
    BME280(Registers(low, high, bytes(8), chip_id)).open()


def octets_of_reading_bme280(low, high, data):
    """Heap that one reading takes on MicroPython, big integers included."""
    driver = BME280(Registers(low, high, data))
    driver.open()
    for _ in range(2):
        driver.start()
        driver.read()
    driver.start()
    return octets_of(driver.read)


class Answer:
    """A bus whose chip always says the same."""

    def __init__(self, octets):
        self._octets = octets

    def writeto(self, addr, buf):
        pass

    def readfrom_into(self, addr, buf):
        buf[:] = self._octets


def octets_of_reading_sht4x(octets):
    """Heap that one reading takes on MicroPython."""
    driver = SHT4x(Answer(octets))
    driver.open()
    driver.start()
    return octets_of(driver.read)


class Probe:
    """A 1-wire bus whose only chip always gives the same scratchpad, and is done at once."""

    def reset(self):
        return True

    def readbit(self):
        return 1

    def readinto(self, buf):
        for at in range(9):
            buf[at] = b"\x91\x01\x4b\x46\x7f\xff\x0f\x10\x25"[at]

    def write(self, buf):
        pass

    writebyte = write


def octets_of_reading_ds18b20():
    """Heap that one reading takes on MicroPython."""
    driver = DS18B20(Chips(Probe()), b"\x28\x00\x00\x15\x00\x00\x00\xa7")
    return octets_of(driver.read)


class Pin:
    """An ADC that always reads the same."""

    def __init__(self, u16, uv):
        self._u16 = u16
        self._uv = uv

    def read_u16(self):
        return self._u16

    def read_uv(self):
        return self._uv


def read_esp32(degrees, fahrenheit, u16, uv, ratio_milli):
    """What the driver makes of a temperature and a pin."""
    return ESP32(lambda: degrees, fahrenheit, Pin(u16, uv), ratio_milli).read()


def octets_of_reading_esp32():
    """Heap that one reading takes on MicroPython."""
    return octets_of(ESP32(lambda: 104, True, Pin(36700, 1850000)).read)
