"""Bad input ends the session that sent it, with a reason in the log and in a counter, and nobody else notices."""

import pathlib
import socket
import struct
import unittest

from rtmp_client import RTMPClient, amf, command, message
from support import Recorder, ServerTest, media, sample, until
from websocket_client import WebSocket

HTTP_BOMBS = {
    "a header that is too large": (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, "http_header_too_large"),
    "too many headers": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 3000 + b"\r\n", None),
    "a version that does not exist": (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", "http_bad_version"),
    "a target that is too long": (b"GET /" + b"a" * 50_000 + b" HTTP/1.1\r\n\r\n", None),
    "no HTTP at all": (b"\x03" + bytes(1536), None),
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600), None),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", None),
    "a length of a billion": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n", None),
    "a length that is no number": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", None),
    "length and chunks (smuggling)": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None),
    "a chunk of 2^64 bytes": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", None),
    "a control character in a name": (b"GET / HTTP/1.1\r\nHo\x00st: x\r\n\r\n", None),
    "a folded header": (b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", None),
}

# Sent instead of a handshake.
OPENINGS = {
    "HTTP on the RTMP port": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "rtmp_http_on_rtmp_port"),
    "TLS on the RTMP port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600), "rtmp_tls_on_plain_port"),
    "an encrypted handshake": (b"\x06" + bytes(1536), "rtmp_encrypted_handshake"),
    "an unknown version": (b"\xfe" + bytes(1536), "rtmp_unsupported_version"),
}


def control(kind, value):
    return message(kind, struct.pack(">I", value), chunk_stream=2)


def nested(depth):
    return b"\x03\0\x01a" * depth


# Sent after a good handshake.
RTMP_BOMBS = {
    "a chunk size of zero": (control(1, 0), "rtmp_chunk_size_zero"),
    "a chunk size above the legal": (control(1, 0x7FFFFFFF), "rtmp_chunk_size_too_large"),
    "a chunk without a header": (b"\xc5" + bytes(128), "rtmp_chunk_without_header"),
    "a message of 16 megabytes, announced": (
        b"\x03" + bytes(3) + b"\xff\xff\xff" + b"\x14" + bytes(4) + bytes(128), "rtmp_message_too_large"),
    "many chunk streams": (
        b"".join(bytes([0, n]) + bytes(3) + b"\0\x10\0" + b"\x09" + bytes(4) + bytes(128) for n in range(200)),
        "rtmp_too_many_chunk_streams"),
    "a short control message": (message(1, b"\0", chunk_stream=2), "rtmp_malformed_control"),
    "a command without a name": (message(20, amf(5)), "rtmp_malformed_command"),
    "AMF nested a thousand deep": (
        message(20, amf("connect") + amf(1) + nested(1000)), "amf_too_deep"),
    "an AMF string longer than the message": (
        message(20, amf("connect") + amf(1) + b"\x0c\xff\xff\xff\xff"), None),
    "an AMF array of four billion": (
        message(20, amf("connect") + amf(1) + b"\x0a\xff\xff\xff\xff"), None),
    "a reserved AMF type": (message(20, amf("connect") + amf(1) + b"\x0e"), "amf_unsupported_type"),
    "a command of a megabyte": (
        message(20, amf("connect") + bytes(1 << 20)), "rtmp_command_too_large"),
    "a flood of commands": (
        command("connect", 1, {"app": "live"}) + command("createStream", 2, None) * 2000, "rtmp_too_many_commands"),
}

WEBSOCKET_BOMBS = {
    "an unmasked frame": (b"\x82\x01a", "ws_unmasked"),
    "reserved bits": (b"\xf2\x81" + bytes(5), "ws_reserved_bits"),
    "a reserved opcode": (b"\x83\x81" + bytes(5), "ws_bad_opcode"),
    "a message of 2^62 bytes": (b"\x82\xff" + struct.pack(">Q", 1 << 62) + bytes(4), None),
    "a negative length": (b"\x82\xff" + b"\xff" * 8 + bytes(4), None),
    "a long ping": (b"\x89\xfe\0\xff" + bytes(300), "ws_bad_control"),
    "a continuation of nothing": (b"\x80\x81" + bytes(5), "ws_bad_fragment"),
}


class HostileTest(ServerTest):
    settings = ("publish.linger=500ms", "rtmp.handshake_timeout=1s", "http.header_timeout=1s")

    def drop(self, connection, what):
        """Reads until the server has closed."""
        connection.settimeout(20)
        try:
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            self.fail(f"{what}: the server keeps the session")

    def assert_counted(self, before, reason, what):
        def counted():
            after = self.server.errors()
            if reason:
                return after.get(reason, 0) > before.get(reason, 0)
            return sum(after.values()) > sum(before.values())
        until(counted, f"{what} is counted as {reason or 'something'}; counted: {self.server.errors()}", 5)
        # The log names each reason that the counters know.
        for counter in self.server.errors():
            self.assertIn(counter, self.server.log)

    def attack(self, table, open_connection):
        for what, (payload, reason) in table.items():
            with self.subTest(what):
                before = self.server.errors()
                connection = open_connection()
                try:
                    connection.sendall(payload)
                except ConnectionError:
                    pass
                self.drop(connection, what)
                connection.close()
                self.assert_counted(before, reason, what)

    def tcp(self, port):
        return socket.create_connection(("127.0.0.1", port), timeout=20)

    def watched(self, attack):
        """Runs `attack` while a stream is published and watched, and looks whether the viewer lost anything."""
        original = sample(seconds=8)
        viewer = Recorder(self, self.server.flv())
        self.server.wait_viewers(1)
        publisher = self.publish(original)
        self.server.wait_live()
        attack()
        publisher.succeed()
        received = [(k, b) for k, _, b in media(viewer.wait())]
        self.assertEqual(received, [(k, b) for k, _, b in media(pathlib.Path(original).read_bytes())])
        self.server.wait_gone()

    def test_bad_rtmp(self):
        def attack():
            self.attack(OPENINGS, lambda: self.tcp(self.server.rtmp_port))
            self.attack(RTMP_BOMBS, lambda: RTMPClient(self.server.rtmp_port).socket)
        self.watched(attack)

    def test_bad_http(self):
        def attack():
            self.attack(HTTP_BOMBS, lambda: self.tcp(self.server.http_port))
            self.attack(HTTP_BOMBS, lambda: self.tcp(self.server.api_port))
        self.watched(attack)

    def test_bad_websocket_frames(self):
        def attack():
            self.attack(WEBSOCKET_BOMBS, lambda: WebSocket(self.server.flv().replace("http", "ws", 1)).socket)
        self.watched(attack)

    def test_sessions_that_never_get_on_with_it(self):
        before = self.server.errors()
        silent, half, header = self.tcp(self.server.rtmp_port), self.tcp(self.server.rtmp_port), self.tcp(
            self.server.http_port)
        half.sendall(b"\x03" + bytes(700))
        header.sendall(b"GET / HTTP/1.1\r\nX: ")
        for what, connection in ("silence", silent), ("half a handshake", half), ("half a header", header):
            self.drop(connection, what)
            connection.close()
        errors = self.server.errors()
        self.assertEqual(errors["rtmp_handshake_timeout"] - before.get("rtmp_handshake_timeout", 0), 2)
        self.assertEqual(errors["http_slow_request"] - before.get("http_slow_request", 0), 1)

    def test_a_crowd_that_connects_and_leaves_is_forgotten(self):
        def once(number):
            connection = self.tcp((self.server.rtmp_port, self.server.http_port, self.server.api_port)[number % 3])
            connection.sendall(b"\x03" * (number % 7))
            connection.close()
        for number in range(300):
            once(number)
        # One session is the question itself.
        until(lambda: self.server.api("/api/v1/node")["sessions"] <= 1, "all have been forgotten")


if __name__ == "__main__":
    unittest.main()
