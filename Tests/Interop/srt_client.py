"""A caller that says why it was turned away: libsrt itself, for the codes that no program prints."""

import atexit
import ctypes
import ctypes.util
import functools
import socket
import struct
import time


ACCEPTED = 0
PASSPHRASE, STREAM_ID, LATENCY = 26, 46, 23


@functools.cache
def library():
    name = ctypes.util.find_library("srt-openssl") or ctypes.util.find_library("srt") or ctypes.util.find_library(
        "srt-gnutls")
    if not name:
        raise AssertionError("libsrt is not installed; tools/test interop installs it")
    srt = ctypes.CDLL(name)
    srt.srt_startup()
    srt.srt_setloghandler(None, LOG)
    # Its threads log: they have to end while there is an interpreter that a log line can be handed to.
    atexit.register(srt.srt_cleanup)
    return srt


# Kept as long as the library may call it.
LOG = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p,
                       ctypes.c_char_p)(lambda *_: None)


def place(host, port):
    address = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), socket.inet_aton(host))
    return address, len(address)


def call(port, stream_id, passphrase=None, latency=None, source=None):
    """The code that a call is answered with: 0 if it is accepted, and ended then."""
    srt = library()
    handle = srt.srt_create_socket()
    try:
        for option, value in (STREAM_ID, stream_id), (PASSPHRASE, passphrase):
            if value is not None:
                data = value.encode()
                srt.srt_setsockflag(handle, option, data, len(data))
        if latency is not None:
            value = ctypes.c_int(latency)
            srt.srt_setsockflag(handle, LATENCY, ctypes.byref(value), 4)
        if source:
            srt.srt_bind(handle, *place(source, 0))
        if srt.srt_connect(handle, *place("127.0.0.1", port)) == 0:
            return ACCEPTED
        return srt.srt_getrejectreason(handle)
    finally:
        srt.srt_close(handle)


def push(port, stream_id, message):
    """Calls, and sends that message again and again until the server ends it; how many it took."""
    srt = library()
    handle = srt.srt_create_socket()
    try:
        srt.srt_setsockflag(handle, STREAM_ID, stream_id.encode(), len(stream_id))
        if srt.srt_connect(handle, *place("127.0.0.1", port)) != 0:
            raise AssertionError(f"the call is refused: {srt.srt_getrejectreason(handle)}")
        for count in range(20_000):
            if srt.srt_sendmsg(handle, message, len(message), -1, 1) < 0:
                return count
            time.sleep(0.001)
        raise AssertionError("the server takes everything")
    finally:
        srt.srt_close(handle)
