"""A small RTMP client: as much of it as the tests need to say what no program would, from any address."""

import os
import socket
import struct

OBJECT_END = b"\0\0\x09"


def amf(value):
    if value is None:
        return b"\x05"
    if isinstance(value, (int, float)):
        return b"\0" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"\x02" + struct.pack(">H", len(value.encode())) + value.encode()
    members = b"".join(struct.pack(">H", len(k)) + k.encode() + amf(v) for k, v in value.items())
    return b"\x03" + members + OBJECT_END


def parse(data, at=0):
    """The AMF0 value that begins there, and where it ends."""
    kind, at = data[at], at + 1
    if kind == 0:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if kind == 1:
        return data[at] != 0, at + 1
    if kind in (2, 3, 8):
        if kind == 2:
            end = at + 2 + int.from_bytes(data[at:at + 2], "big")
            return data[at + 2:end].decode(), end
        found, at = {}, at + (4 if kind == 8 else 0)
        while data[at:at + 3] != OBJECT_END:
            name = at + 2 + int.from_bytes(data[at:at + 2], "big")
            key = data[at + 2:name].decode()
            found[key], at = parse(data, name)
        return found, at + 3
    if kind in (5, 6):
        return None, at
    raise AssertionError(f"AMF0 type {kind}")


def message(kind, body, chunk_stream=3, stream=0, time=0, chunk_size=128):
    """One message in chunks, its first header complete."""
    out = bytes([chunk_stream]) + time.to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes([kind])
    out += stream.to_bytes(4, "little")
    for at in range(0, max(len(body), 1), chunk_size):
        out += (bytes([0xC0 | chunk_stream]) if at else b"") + body[at:at + chunk_size]
    return out


def command(name, transaction, *values, stream=0):
    return message(20, amf(name) + amf(transaction) + b"".join(map(amf, values)), stream=stream)


class RTMPClient:
    """Connected and through the handshake."""

    def __init__(self, port, source="127.0.0.1", handshake=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
        self.received = b""
        if handshake:
            self.socket.sendall(b"\x03" + bytes(8) + os.urandom(1528))
            answer = self.read(1 + 1536)
            self.socket.sendall(answer[1:])
            self.read(1536)

    def read(self, count):
        data = b""
        while len(data) < count:
            block = self.socket.recv(count - len(data))
            if not block:
                raise ConnectionError("closed")
            data += block
        return data

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()

    def read_until(self, *words):
        """Reads until the server has said one of `words`, and says which; None if it closes before."""
        while True:
            for word in words:
                if word.encode() in self.received:
                    return word
            try:
                block = self.socket.recv(65536)
            except ConnectionError:
                block = b""
            if not block:
                return None
            self.received += block

    def read_commands(self):
        """The commands that come until the server closes: each the list of its values. Only for a server that has not
        set a larger chunk size, and whose messages each begin with a whole header."""
        while True:
            try:
                block = self.socket.recv(65536)
            except ConnectionError:
                break
            if not block:
                break
            self.received += block
        found, at, data = [], 0, self.received
        while at < len(data):
            if data[at] >> 6 != 0:
                raise AssertionError(f"no whole header at {at}: {data[at:at + 16]!r}")
            size, kind, at = int.from_bytes(data[at + 4:at + 7], "big"), data[at + 7], at + 12
            body = b""
            while len(body) < size:
                if body:
                    at += 1
                part = min(128, size - len(body))
                body, at = body + data[at:at + part], at + part
            if kind != 20:
                continue
            values, end = [], 0
            while end < len(body):
                value, end = parse(body, end)
                values.append(value)
            found.append(values)
        return found

    def connect(self, app="live"):
        self.send(command("connect", 1, {"app": app, "tcUrl": f"rtmp://127.0.0.1/{app}", "flashVer": "interop"}))
        return self.read_until("NetConnection.Connect.Success")

    def publish(self, name):
        self.connect()
        self.send(command("createStream", 2, None) + command("publish", 3, None, name, "live", stream=1))
        return self.read_until("NetStream.Publish.Start", "NetStream.Publish.BadName", "NetStream.Publish.Denied")

    def play(self, name):
        self.connect()
        self.send(command("createStream", 2, None) + command("play", 3, None, name, stream=1))
        return self.read_until("NetStream.Play.Start", "NetStream.Play.StreamNotFound")

    def media(self, kind, body, time=0):
        """`kind`: 8 audio, 9 video, 18 metadata."""
        self.send(message(kind, body, chunk_stream=4 if kind == 8 else 6, stream=1, time=time))
