"""What the board's processor (a MicroPython process) and its surroundings (the host) say to each other.

Every message begins with 8 octets, struct "<BBHi": code, small, middle, value. Where a code carries
octets, `value` is their number. Both ends import this file.
"""

# Processor to host, no answer.
PIN_DRIVE = 1  # small: pin, value: level
PIN_PULSES = 2  # small: clock pin, value: rising edges << 1 | level at last; it was low
PASSED = 3  # value: microseconds of virtual time that have passed without the host
WDT_FEED = 4
# Processor to host, answered by VALUE or DATA.
PIN_SENSE = 5  # small: pin
I2C = 6  # small: address, middle: bus | octets to read << 4, octets: to write
SPI = 7  # small: bus, octets: to write; as many come back
ONE_WIRE = 8  # small: pin, middle: 0 reset, 1 read, 2 write | bits << 2, value: the bits to write
HARMLESS_MOST = 8  # up to here nothing follows that HORIZON does not know of
WAIT = 9  # value: microseconds, or -1; the answer says how many passed: only in virtual time
WRITE = 11  # small: line (0 console, 1 and 2 UARTs), octets
WAITING = 12  # small: UART; how many octets wait to be read
KBD_INTR = 13  # value: the interrupt character or -1
ASK = 14  # octets: JSON [name, arguments...]; the rare rest
# Processor to host, no answer.
INTERRUPTED = 15  # Ctrl-C has been taken note of
DONE = 16  # small: outcome, octets: traceback
PIN_MODE = 17  # small: pin, value: see Pin; -1 for none, pull << 4
PIN_IRQ = 18  # small: pin, value: edges wanted, 0 for none
# Host to processor, before an answer.
PIN_AHEAD = 32  # small: clock pin, value: the asked pin's levels after its next pulses, after a leading 1
PIN_HELD = 33  # value: microseconds for which the asked pin stays as it is: only in virtual time
HORIZON = 34  # value: microseconds in which nothing is due but what this processor does: as well
# Host to processor.
VALUE = 40  # small: errno or 0, value: the answer
DATA = 41  # octets: the answer
INTERRUPT = 42  # Ctrl-C was typed
PIN_EDGE = 43  # small: pin, value: level now
TIMER = 44  # small: number of one that has run out
NETWORK = 46  # value: octets flow | has an address << 1 | the address's generation << 2
EXECUTE = 45  # small: 1 for one interactive statement, octets: source

# Outcomes in DONE.
OK = 0
RAISED = 1
SYSTEM_EXIT = 2

NO_SUCH_FILE = 44  # how tool.py ends when there is none

IRQ_RISING = 1
IRQ_FALLING = 2
