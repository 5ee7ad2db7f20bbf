"""`ds18x20` as it is frozen into the ESP32's firmware."""

from onewire import OneWire

_CONVERT = 0x44
_READ_SCRATCH = 0xBE
_WRITE_SCRATCH = 0x4E
_FAMILIES = (0x10, 0x22, 0x28)  # DS18S20, DS1822, DS18B20


class DS18X20:
    def __init__(self, onewire):
        self.ow = onewire
        self.buf = bytearray(9)

    def scan(self):
        return [rom for rom in self.ow.scan() if rom[0] in _FAMILIES]

    def convert_temp(self):
        self.ow.reset(True)
        self.ow.writebyte(self.ow.SKIP_ROM)
        self.ow.writebyte(_CONVERT)

    def read_scratch(self, rom):
        self.ow.reset(True)
        self.ow.select_rom(rom)
        self.ow.writebyte(_READ_SCRATCH)
        self.ow.readinto(self.buf)
        if self.ow.crc8(self.buf):
            raise Exception("CRC error")
        return self.buf

    def write_scratch(self, rom, octets):
        self.ow.reset(True)
        self.ow.select_rom(rom)
        self.ow.writebyte(_WRITE_SCRATCH)
        self.ow.write(octets)

    def read_temp(self, rom):
        octets = self.read_scratch(rom)
        raw = octets[0] | octets[1] << 8
        if raw & 0x8000:
            raw -= 0x10000
        if rom[0] == 0x10:
            # Half degrees, and what is left of the count of the next one.
            return (raw >> 1) - 0.25 + (octets[7] - octets[6]) / octets[7]
        return raw / 16
