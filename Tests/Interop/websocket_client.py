"""A small WebSocket client (RFC 6455): for FLV over WebSocket, and to talk to a browser."""

import base64
import hashlib
import os
import socket
import struct
from urllib.parse import urlsplit


class WebSocket:
    def __init__(self, url, timeout=20):
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((
            f"GET {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
        self.input = self.socket.makefile("rb")
        self.status = int(self.input.readline().split()[1])
        self.headers = {}
        while (line := self.input.readline().strip()):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        if self.status == 101:
            accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            assert self.headers["sec-websocket-accept"] == base64.b64encode(accept).decode(), "the wrong accept key"

    def send(self, payload, opcode=1):
        mask = os.urandom(4)
        head = bytes([0x80 | opcode])
        if len(payload) < 126:
            head += bytes([0x80 | len(payload)])
        elif len(payload) < 1 << 16:
            head += b"\xfe" + struct.pack(">H", len(payload))
        else:
            head += b"\xff" + struct.pack(">Q", len(payload))
        self.socket.sendall(head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(payload)))

    def frame(self):
        """The next frame as (opcode, payload); None when the server has closed."""
        head = self.input.read(2)
        if len(head) < 2:
            return None
        assert not head[1] & 0x80, "a server does not mask"
        size = head[1] & 127
        if size >= 126:
            size = int.from_bytes(self.input.read(2 if size == 126 else 8), "big")
        return head[0] & 15, self.input.read(size)

    def messages(self):
        """The data frames until the connection ends or a close frame comes; pings are answered."""
        while (frame := self.frame()):
            opcode, payload = frame
            if opcode == 8:
                return
            if opcode == 9:
                self.send(payload, opcode=10)
            elif opcode in (0, 1, 2):
                yield payload

    def close(self):
        self.input.close()
        self.socket.close()
