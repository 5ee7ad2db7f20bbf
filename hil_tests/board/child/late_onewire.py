"""`onewire` as it is frozen into the ESP32's firmware."""

import _onewire


class OneWireError(Exception):
    pass


class OneWire:
    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin
        pin.init(pin.OPEN_DRAIN, pin.PULL_UP)

    def reset(self, required=False):
        present = _onewire.reset(self.pin)
        if required and not present:
            raise OneWireError
        return present

    def readbit(self):
        return _onewire.readbit(self.pin)

    def readbyte(self):
        return _onewire.readbyte(self.pin)

    def readinto(self, buffer):
        for at in range(len(buffer)):
            buffer[at] = _onewire.readbyte(self.pin)

    def writebit(self, value):
        _onewire.writebit(self.pin, value)

    def writebyte(self, value):
        _onewire.writebyte(self.pin, value)

    def write(self, octets):
        for octet in octets:
            _onewire.writebyte(self.pin, octet)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def crc8(self, octets):
        return _onewire.crc8(octets)

    def scan(self):
        # Maxim's search: where chips differ take 0 first; each round turns the last such bit to 1.
        found = []
        rom = bytearray(8)
        branch = 0
        while self.reset():
            self.writebyte(self.SEARCH_ROM)
            last, branch = branch, 0
            for number in range(1, 65):
                octet, mask = number - 1 >> 3, 1 << (number - 1 & 7)
                one = self.readbit()
                other = self.readbit()
                if one and other:
                    return found
                if one != other:
                    bit = one
                elif number < last:
                    bit = rom[octet] & mask
                else:
                    bit = number == last
                if one == other and not bit:
                    branch = number
                rom[octet] = rom[octet] | mask if bit else rom[octet] & (mask ^ 0xFF)
                self.writebit(bit)
            found.append(bytearray(rom))
            if not branch:
                break
        return found
