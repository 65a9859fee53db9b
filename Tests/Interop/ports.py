"""Ports for the servers of tests that run side by side."""

import itertools
import os
import socket

# The first port of a range of `PORT_COUNT`, and the ports to try, over and over.
PORT_COUNT = 1000
FIRST_PORT = int(os.environ.get("SLUICE_FIRST_PORT", 10_000 + PORT_COUNT * (os.getpid() % 10)))
PORTS = itertools.cycle(range(FIRST_PORT, FIRST_PORT + PORT_COUNT))


def free_ports(count):
    """Ports that nobody has, of TCP and of UDP, other ones each time.

    They lie below those that the system gives to whoever connects: none is lost between this call and the server's start.
    Processes that run side by side are told ranges of their own.
    """
    found = []
    while len(found) < count:
        port = next(PORTS)
        if all(is_free(port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
            found.append(port)
    return found


def is_free(port, kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
