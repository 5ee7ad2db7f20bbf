"""The lines that the link may run on, alike: `await read()` octets, `write(frame)`."""

from firmware import board


def make(link: dict):
    """The port of settings.link. Raises ValueError for pins that the board does not have."""
    # Imported here: a node keeps only the one that it has.
    if link["via"] == "uart":
        from firmware import board_buses  # noqa: PLC0415
        from firmware.uart_port import UartPort  # noqa: PLC0415

        return UartPort(board_buses.uart(link["uart"]))
    from firmware.console_port import ConsolePort  # noqa: PLC0415

    return ConsolePort(board.console())
