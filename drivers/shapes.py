"""What a driver asks of buses and pins: the part of machine.I2C, SPI and Pin that it uses.

Read by the type checker only; nothing imports it at run time.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class I2C(Protocol):
        """Every method raises OSError when the chip does not acknowledge or the bus hangs."""

        def readfrom_into(self, addr: int, buf: bytearray) -> object: ...
        def readfrom_mem_into(self, addr: int, memaddr: int, buf: bytearray) -> object: ...
        def writeto(self, addr: int, buf: bytes) -> object: ...
        def writeto_mem(self, addr: int, memaddr: int, buf: bytes) -> object: ...

    class SPI(Protocol):
        """Selecting the chip is not its business."""

        def write(self, buf: bytes) -> object: ...
        def write_readinto(self, write_buf: bytes, read_buf: bytearray) -> object: ...

    class OutPin(Protocol):
        def value(self, level: int) -> object: ...

    class InPin(Protocol):
        def value(self) -> int: ...

    class Guard(Protocol):
        """Keeps interrupts away for some microseconds: `enable` takes what `disable` gave."""

        def disable(self) -> int: ...
        def enable(self, state: int) -> object: ...
