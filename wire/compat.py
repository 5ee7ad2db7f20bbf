"""The one difference between the two runtimes that the other modules may see."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Constant = TypeVar("Constant", int, str, bytes, tuple[int, ...])

    def const(value: Constant) -> Constant:
        """Give the value back; MicroPython's compiler folds the call away."""
        return value

else:
    try:
        from micropython import const
    except ImportError:

        def const(value):
            return value
