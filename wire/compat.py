"""The one difference between the two runtimes that the other modules may see."""

try:
    from micropython import const
except ImportError:

    def const(value: int) -> int:
        """Give the value back; MicroPython's compiler folds the call away."""
        return value
