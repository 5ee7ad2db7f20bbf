"""lwIP's numbers and names: constants of `socket`, errors, addresses."""

import link
import radio
import socket_native as native

AF_INET = 2
AF_INET6 = 10
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOCK_RAW = 3
IPPROTO_IP = 0
IPPROTO_TCP = 6
IPPROTO_UDP = 17
TCP_NODELAY = 1
SOL_SOCKET = 0xFFF
SO_REUSEADDR = 4
SO_BROADCAST = 32
SO_BINDTODEVICE = 11
IP_ADD_MEMBERSHIP = 3

EAGAIN = 11
ECONNABORTED = 113
ETIMEDOUT = 116
EHOSTUNREACH = 118
EINPROGRESS = 119
EALREADY = 120
EISCONN = 127
ENOTCONN = 128
_EAI_FAIL = -202
# Linux's number -> that of the ESP32's C library.
_ERRNOS = {98: 112, 103: 113, 101: 114, 110: 116, 113: 118, 115: 119, 114: 120, 106: 127, 107: 128, 32: 104}


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    return [(AF_INET, SOCK_STREAM, 0, "", (_resolve(host), int(port)))]


def _resolve(host):
    if not host:
        return "0.0.0.0"
    parts = host.split(".")
    if len(parts) == 4 and all([part.isdigit() for part in parts]):
        return host
    found = link.query("resolve", host) if radio.flows() else None
    if not found:
        raise OSError(_EAI_FAIL)
    return found


def sockaddr_of(address):
    """What the PC calls (host, port)."""
    host, port = address[:2]
    return native.getaddrinfo(_resolve(host), port)[0][-1]


def number_of(error):
    """What the ESP32 calls an error of the PC's."""
    return _ERRNOS.get(error.errno, error.errno)
