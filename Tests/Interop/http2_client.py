"""A small HTTP/2 client (RFC 9113) over TLS: many requests at once, and every frame that comes is seen.

It never compresses, and of the answers' header blocks it reads only the status, where that is a number of the static
table (RFC 7541, appendix A): what a program needs to know of an answer it learns from curl.
"""

import collections
import socket
import ssl
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
STATUSES = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}
WINDOW = (1 << 31) - 1


def literal(name, value):
    """A field without indexing, without Huffman code (RFC 7541 §6.2.2); short enough for one byte of length."""
    def text(part):
        part = part.encode()
        head = bytes([len(part)]) if len(part) < 127 else bytes([127, len(part) - 127])
        assert len(part) < 127 + 128
        return head + part
    return b"\0" + text(name) + text(value)


class HTTP2Client:
    def __init__(self, port, host="127.0.0.1", before=b"", window=WINDOW, timeout=20):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2", "http/1.1"])
        raw = socket.create_connection((host, port), timeout=timeout)
        if before:
            raw.sendall(before)
        self.socket = context.wrap_socket(raw, server_hostname="localhost")
        self.protocol = self.socket.selected_alpn_protocol()
        self.input = self.socket.makefile("rb")
        self.next_stream = 1
        self.bodies = collections.defaultdict(bytearray)
        self.statuses, self.resets, self.goodbyes = {}, {}, []
        # In the order in which they were complete.
        self.complete = []
        self.socket.sendall(PREFACE)
        self.send(SETTINGS, 0, 0, struct.pack(">HI", 4, window))
        self.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW - 65_535))

    def close(self):
        self.input.close()
        self.socket.close()

    def send(self, kind, flags, stream, payload=b""):
        self.socket.sendall(struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload)

    def ask(self, path, method="GET", **headers):
        """Sends a request; its stream."""
        stream = self.next_stream
        self.next_stream += 2
        fields = {":method": method, ":scheme": "https", ":path": path, ":authority": "localhost", **headers}
        self.send(
            HEADERS, END_HEADERS | END_STREAM, stream,
            b"".join(literal(name.replace("_", "-"), value) for name, value in fields.items()))
        return stream

    def reset(self, stream):
        self.send(RESET, 0, stream, struct.pack(">I", 8))

    def read_frame(self):
        """Takes in one frame; its kind, or None at the end of the connection."""
        head = self.input.read(9)
        if len(head) < 9:
            return None
        size, (kind, flags), stream = int.from_bytes(head[:3], "big"), head[3:5], int.from_bytes(head[5:], "big")
        payload = self.input.read(size)
        if kind == DATA:
            self.bodies[stream] += payload
        elif kind == HEADERS:
            first = payload[0]
            # The table's size may be set in front of the fields.
            while first & 0xE0 == 0x20:
                payload = payload[1:]
                first = payload[0]
            self.statuses[stream] = STATUSES.get(first & 0x7F) if first & 0x80 else 0
        elif kind == RESET:
            self.resets[stream] = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goodbyes.append((int.from_bytes(payload[:4], "big"), int.from_bytes(payload[4:8], "big")))
        elif kind == PING and not flags & ACK:
            self.send(PING, ACK, 0, payload)
        elif kind == SETTINGS and not flags & ACK:
            self.send(SETTINGS, ACK, 0)
        if kind in (DATA, HEADERS) and flags & END_STREAM or kind == RESET:
            self.complete.append(stream)
        return kind

    def wait(self, *streams):
        """Reads until these are complete."""
        while any(stream not in self.complete for stream in streams):
            if self.read_frame() is None:
                raise AssertionError(f"the connection ended: {self.complete}, goodbyes {self.goodbyes}")

    def get(self, path, **headers):
        stream = self.ask(path, **headers)
        self.wait(stream)
        return bytes(self.bodies[stream])
