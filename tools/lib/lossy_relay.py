"""The sockets of tools/lossy: one that clients send to, and one for each client towards the target. One thread."""

import errno
import json
import os
import select
import socket
import time

# Bytes that the kernel may keep for a socket while the relay is busy: about 0.3 s of 60 Mbit/s with its overhead.
SOCKET_BUFFER = 8 << 20
# Linux: beyond what the system allows to everybody; for root only.
SO_RCVBUFFORCE, SO_SNDBUFFORCE = 33, 32
# Datagrams taken from a socket before others have their turn.
BATCH = 128
LARGEST = 65_536
# Clients at once; a newcomer beyond takes the place of the one that was silent longest.
CLIENTS = 1024
# Seconds between two writings of the statistics file.
STATISTICS_EVERY = 1.0
# What a socket may answer to a datagram without being broken.
PASSING = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EMSGSIZE, errno.EPERM, errno.ENOBUFS}


def bound_socket(family, address):
    """A non-blocking UDP socket with big buffers."""
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setblocking(False)
    for force, plain in ((SO_RCVBUFFORCE, socket.SO_RCVBUF), (SO_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            made.setsockopt(socket.SOL_SOCKET, force, SOCKET_BUFFER)
        except OSError:
            made.setsockopt(socket.SOL_SOCKET, plain, SOCKET_BUFFER)
    if address:
        made.bind(address)
    return made


class Client:
    def __init__(self, address, upstream):
        self.address = address
        self.upstream = upstream
        self.heard = 0.0


class Relay:
    def __init__(self, listen, target, onward, back):
        self.onward, self.back = onward, back
        self.family, _, _, _, self.target = socket.getaddrinfo(*target, type=socket.SOCK_DGRAM)[0]
        family, _, _, _, address = socket.getaddrinfo(*listen, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)[0]
        self.listener = bound_socket(family, address)
        self.clients = {}
        self.by_descriptor = {}
        self.clients_seen = 0
        self.poller = select.epoll()
        self.poller.register(self.listener.fileno(), select.EPOLLIN)
        self.is_over = False

    @property
    def address(self):
        return self.listener.getsockname()[:2]

    def run(self, until, statistics=None):
        """Carries datagrams until the time has come, or `is_over` is set by a signal."""
        clock = time.monotonic
        next_statistics = clock() + STATISTICS_EVERY
        while not self.is_over:
            now = clock()
            if now >= until:
                break
            if statistics and now >= next_statistics:
                next_statistics = now + STATISTICS_EVERY
                self.write(statistics)
            dues = [due for due in (self.onward.due(), self.back.due()) if due is not None]
            wait = min([until - now, next_statistics - now if statistics else 1.0, 1.0] + [due - now for due in dues])
            for descriptor, _ in self.poller.poll(max(0.0, wait)):
                if descriptor == self.listener.fileno():
                    self._hear_clients()
                elif descriptor in self.by_descriptor:
                    self._hear_target(self.by_descriptor[descriptor])
            self._send_due()
        if statistics:
            self.write(statistics)

    def _hear_clients(self):
        now, take, clients, receive = time.monotonic(), self.onward.take, self.clients, self.listener.recvfrom
        for _ in range(BATCH):
            try:
                datagram, address = receive(LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                # A client that is gone answers by ICMP, and the kernel tells it here.
                if error.errno not in PASSING:
                    raise
                continue
            client = clients.get(address) or self._welcome(address)
            client.heard = now
            take(datagram, client, now)

    def _hear_target(self, client):
        now, take, receive = time.monotonic(), self.back.take, client.upstream.recv
        for _ in range(BATCH):
            try:
                datagram = receive(LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in PASSING:
                    raise
                continue
            take(datagram, client, now)

    def _welcome(self, address):
        if len(self.clients) >= CLIENTS:
            self._forget(min(self.clients.values(), key=lambda client: client.heard))
        upstream = bound_socket(self.family, None)
        upstream.connect(self.target)
        client = Client(address, upstream)
        self.clients[address] = client
        self.by_descriptor[upstream.fileno()] = client
        self.poller.register(upstream.fileno(), select.EPOLLIN)
        self.clients_seen += 1
        return client

    def _forget(self, client):
        self.poller.unregister(client.upstream.fileno())
        del self.by_descriptor[client.upstream.fileno()]
        del self.clients[client.address]
        client.upstream.close()

    def _send_due(self):
        now = time.monotonic()
        for direction, send in (
            (self.onward, lambda datagram, client: client.upstream.send(datagram)),
            (self.back, lambda datagram, client: self.listener.sendto(datagram, client.address)),
        ):
            counts = direction.counts
            while leaving := direction.next(now):
                try:
                    send(*leaving)
                    counts["sent"] += 1
                    counts["bytes"] += len(leaving[0])
                except OSError as error:
                    # A full socket buffer, an absent peer, or a client that was forgotten while this waited.
                    if not isinstance(error, BlockingIOError) and error.errno not in PASSING | {errno.EBADF}:
                        raise
                    counts["refused"] += 1

    def report(self):
        return {
            "clients": self.clients_seen, "to_target": self.onward.report(), "from_target": self.back.report(),
        }

    def write(self, path):
        """Whole or not at all: who reads the file meanwhile never sees half of it."""
        part = f"{path}.part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump(self.report(), file)
            file.write("\n")
        os.replace(part, path)

    def close(self):
        for client in list(self.clients.values()):
            self._forget(client)
        self.poller.close()
        self.listener.close()
