"""What stands in for the ESP32's `network` on a PC: a station that is always in its network."""

STA_IF = 0


class WLAN:
    def __init__(self, interface):
        self._ssid = ""

    def active(self, on=None):
        return True

    def connect(self, ssid, key=None):
        self._ssid = ssid

    def isconnected(self):
        return self._ssid != ""

    def config(self, what):
        return self._ssid

    def status(self):
        return 1010
