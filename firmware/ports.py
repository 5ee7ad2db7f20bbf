"""The ports that the link may run on, alike: `await read()` octets, `write(frame)`. The link sets `heart`."""

from firmware import board_buses


def make(link: dict):
    """The port of settings.link. Raises ValueError for pins that the board does not have."""
    made = [_port(via, link) for via in link["via"]]
    if len(made) == 1:
        return made[0]
    from firmware.two_ports import TwoPorts  # noqa: PLC0415

    return TwoPorts(*made)


def _port(via: str, link: dict):
    # Imported here: a node keeps only what it has.
    if via == "wifi":
        from firmware.wifi_port import WifiPort  # noqa: PLC0415

        return WifiPort(link["wifi"], link["broker"])
    if via == "uart":
        from firmware.uart_port import UartPort  # noqa: PLC0415

        return UartPort(board_buses.uart(link["uart"]))
    from firmware.console_port import ConsolePort  # noqa: PLC0415

    return ConsolePort(board_buses.console())
