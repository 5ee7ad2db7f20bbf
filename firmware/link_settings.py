"""`link` of the settings. Some of it is secret: no error shows a value."""

from firmware.settings import PIN_MOST
from wire.compat import const
from wire.remote import HIDDEN

_CONSOLE = const("console")
_UART = const("uart")
_WIFI = const("wifi")
_SSID_OCTETS = const(32)  # IEEE 802.11
_KEY_LEAST = const(8)  # WPA2 passphrase
_KEY_MOST = const(64)
_MQTT_PORT = const(1883)


def link(keys) -> dict:
    """Checked: `via` as a list, `uart`, and with Wi-Fi `wifi` and `broker`."""
    via = keys.take("via", _CONSOLE)
    if via not in (_CONSOLE, _UART, _WIFI, [_CONSOLE, _WIFI], [_UART, _WIFI]):
        raise keys.bad("via", "not console, uart, wifi, or [a cable, wifi]")
    uart = keys.inside("uart")
    out = {
        "via": via if isinstance(via, list) else [via],
        "uart": {
            "id": uart.integer("id", 1, 1, 2),  # 0 is the console
            "baud": uart.integer("baud", 115200, 1200, 2000000),
            "tx": uart.integer("tx", 17, 0, PIN_MOST),
            "rx": uart.integer("rx", 16, 0, PIN_MOST),
        },
    }
    if _UART in out["via"]:
        for key in ("tx", "rx"):
            uart.claim("pin " + str(out["uart"][key]), key)
    uart.done()
    wifi = keys.inside("wifi")
    broker = keys.inside("broker")
    keys.done()
    if _WIFI in out["via"]:
        out["wifi"] = _wifi(wifi)
        out["broker"] = _broker(broker)
    return out


def _wifi(keys) -> dict:
    ssid = keys.text("ssid", "")
    if not 1 <= len(ssid.encode()) <= _SSID_OCTETS:
        raise keys.bad("ssid", "is missing, or over 32 octets")
    key = _secret(keys, "key")
    if key and not _KEY_LEAST <= len(key.encode()) <= _KEY_MOST:
        raise keys.bad("key", "not 8 to 64 octets")
    keys.done()
    return {"ssid": ssid, "key": key}


def _secret(keys, name: str) -> str:
    value = keys.text(name, "")
    if value == HIDDEN:
        raise keys.bad(name, "is hidden: write it out")
    return value


def _broker(keys) -> dict:
    out = {
        "host": keys.text("host", ""),
        "port": keys.integer("port", _MQTT_PORT, 1, 65535),
        "user": keys.text("user", ""),
        "password": _secret(keys, "password"),
    }
    if not out["host"]:
        raise keys.bad("host", "is missing")
    if out["password"] and not out["user"]:
        raise keys.bad("password", "needs a user")
    keys.done()
    return out
