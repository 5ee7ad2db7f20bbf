"""What the board's processor (a MicroPython process) and its surroundings (the host) say to each other.

Every message begins with 8 octets, struct "<BBHi": code, small, middle, value. Where a code carries
octets, `value` is their number. Both ends import this file.
"""

# Processor to host, no answer.
PIN_DRIVE = 1  # small: pin, value: level
WDT_FEED = 2
PIN_MODE = 14  # small: pin, value: see Pin; -1 for none, pull << 4
INTERRUPTED = 3  # Ctrl-C has been taken note of
DONE = 4  # small: outcome, octets: traceback
# Processor to host, answered by VALUE or DATA.
PIN_SENSE = 5  # small: pin
PIN_IRQ = 6  # small: pin, value: edges wanted, 0 for none
I2C = 7  # small: address, middle: bus | octets to read << 4, octets: to write
WRITE = 8  # small: line (0 console, 1 and 2 UARTs), octets
WAITING = 9  # small: UART; how many octets wait to be read
KBD_INTR = 10  # value: the interrupt character or -1
ASK = 11  # octets: JSON [name, arguments...]; the rare rest
SPI = 12  # small: bus, octets: to write; as many come back
ONE_WIRE = 13  # small: pin, middle: 0 reset, 1 read, 2 write | bits << 2, value: the bits to write
# Host to processor.
VALUE = 32  # small: errno or 0, value: the answer
DATA = 33  # octets: the answer
INTERRUPT = 34  # Ctrl-C was typed
PIN_EDGE = 35  # small: pin, value: level now
TIMER = 37  # small: number of one that has run out
EXECUTE = 36  # small: 1 for one interactive statement, octets: source

# Outcomes in DONE.
OK = 0
RAISED = 1
SYSTEM_EXIT = 2

IRQ_RISING = 1
IRQ_FALLING = 2
