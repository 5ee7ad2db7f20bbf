"""`network` as on the ESP32: the station; there is no access point of its own."""

import link

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3
_OSERRORS = {1: "Wifi Not Started", 2: "Wifi Internal State Error", 3: "STA must be active"}

_hostname = "mpy-esp32"
_country = "XX"


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    _hostname = name


def country(code=None):
    global _country
    if code is None:
        return _country
    _country = code


def _ask(name, *arguments):
    fault, answer = link.query(name, *arguments)
    if fault:
        raise OSError(_OSERRORS[fault])
    return answer


class WLAN:
    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self, interface=STA_IF):
        if interface not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        self._is_station = interface == STA_IF

    def active(self, on=None):
        if not self._is_station:
            if on:
                raise NotImplementedError("no access point")
            return False
        return _ask("wifi_active", on)

    def connect(self, ssid=None, key=None, *, bssid=None):
        _ask("wifi_connect", ssid, key)

    def disconnect(self):
        _ask("wifi_disconnect")

    def isconnected(self):
        return self._is_station and _ask("wifi_status") == STAT_GOT_IP

    def status(self, what=None):
        if what == "rssi":
            return _ask("wifi_rssi")
        if what is not None:
            raise ValueError("unknown status param")
        return _ask("wifi_status")

    def scan(self):
        found = []
        for ssid, rssi, secured in _ask("wifi_scan"):
            found.append(
                (ssid.encode(), b"\x02emu\x00\x01", 1, rssi, AUTH_WPA2_PSK if secured else AUTH_OPEN, False)
            )
        return found

    def config(self, what=None, **settings):
        if what is None:
            for name in settings:
                if name in ("hostname", "dhcp_hostname"):
                    hostname(settings[name])
                elif name == "reconnects":
                    _ask("wifi_reconnects", settings[name])
                elif name not in ("pm", "txpower", "channel", "mac", "protocol"):
                    raise ValueError("unknown config param")
            return None
        if what == "mac":
            return bytes.fromhex(_ask("wifi_mac"))
        if what in ("hostname", "dhcp_hostname"):
            return hostname()
        if what in ("ssid", "essid"):
            return _ask("wifi_ssid")
        raise ValueError("unknown config param")

    def ifconfig(self, addresses=None):
        return tuple(_ask("wifi_addresses"))

    def ipconfig(self, what):
        address, mask, gateway, _ = self.ifconfig()
        return {"addr4": (address, mask), "gw4": gateway, "has_dhcp4": address != "0.0.0.0"}[what]
