"""What a chip on an I2C bus does when it does not answer."""


class Nack(Exception):
    """No acknowledge. A machine.I2C turns it into OSError(ENODEV)."""
