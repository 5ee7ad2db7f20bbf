// A MicroPython for this computer whose heap fills as an ESP32's does (ports/esp32/mpconfigport.h).
// Object representation A, 31-bit small integers and long integers of 16-bit digits are what a 32-bit
// build of the unix port has anyway.

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)

// An ESP32's heap grows once, by as much again: no object lies across the two halves.
#define MICROPY_GC_SPLIT_HEAP (1)
#define MICROPY_GC_SPLIT_HEAP_N_HEAPS (2)

#include "variants/mpconfigvariant_common.h"

// What a board says when it raises an error, and when Ctrl-C takes effect.
#undef MICROPY_ERROR_REPORTING
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_NORMAL)
#undef MICROPY_ASYNC_KBD_INTR
#define MICROPY_ASYNC_KBD_INTR (0)
