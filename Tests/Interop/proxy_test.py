"""PROXY headers in front of every TCP listener: the client that a trusted proxy names is the client."""

import os
import pathlib
import socket
import struct
import subprocess
import threading
import unittest

import support
from rtmp_client import RTMPClient
from support import Dispatcher, Recorder, Server, ServerTest, free_ports, sample, until

TOPOLOGY = """
idcs:
  - {id: local, latitude: 50, longitude: 8}
nodes:
  - {id: origin, idc: local, capacity: {out: 1Gbit, sessions: 100}}
"""
# Who is trusted, and whom it names.
PROXY = "127.0.0.2"
CLIENT = "203.0.113.9"


def header(client, port=40000):
    """Of version 2, TCP over IPv4."""
    ends = socket.inet_aton(client) + socket.inet_aton("192.0.2.7") + struct.pack(">HH", port, 443)
    return b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11" + struct.pack(">H", len(ends)) + ends


class Balancer:
    """A load balancer in front of a port: names `CLIENT` first, and then passes on what both sides say."""

    def __init__(self, test, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        test.addCleanup(self.listener.close)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target), source_address=(PROXY, 0))
            except OSError:
                return
            far.sendall(header(CLIENT))
            for ends in (near, far), (far, near):
                threading.Thread(target=self.carry, args=ends, daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while block := source.recv(65536):
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            sink.close()


class ProxyTest(ServerTest):
    settings = ("rtmp.proxies=127.0.0.0/8", "http.proxies=127.0.0.2/32,::1")

    def test_the_client_that_a_trusted_proxy_names_is_the_client(self):
        client = RTMPClient(self.server.rtmp_port, handshake=False)
        self.addCleanup(client.close)
        client.send(b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 1935\r\n" + b"\x03" + bytes(8) + os.urandom(1528))
        answer = client.read(1 + 1536)
        client.send(answer[1:])
        client.read(1536)
        self.assertEqual(client.publish("named"), "NetStream.Publish.Start")
        [session] = self.server.sessions("publish", "named")
        self.assertEqual(session["address"], "203.0.113.9:40000")
        curl = subprocess.run(
            ["curl", "-s", "--interface", "127.0.0.2", "--haproxy-protocol", "-o", "/dev/null", "-w", "%{http_code}",
             self.server.page()], capture_output=True, text=True)
        self.assertEqual(curl.stdout, "200")

    def test_without_a_header_a_proxy_is_refused_and_others_are_as_before(self):
        client = RTMPClient(self.server.rtmp_port, handshake=False)
        self.addCleanup(client.close)
        client.send(b"\x03" + bytes(1536))
        self.assertEqual(client.socket.recv(1), b"")
        self.assertIn("does not begin with a PROXY header", self.server.log)
        self.assertGreater(self.server.errors()["proxy_header"], 0)
        with socket.create_connection(("127.0.0.1", self.server.http_port), timeout=20) as plain:
            plain.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            self.assertTrue(plain.recv(64).startswith(b"HTTP/1.1 200"))


class ListenersTest(ServerTest):
    # Of one address: more than the test itself uses at a time.
    most = 5

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(support.SCRATCH.name) / "proxies"
        subprocess.run([support.ROOT / "tools/certificates", folder, "node"], check=True, stdout=subprocess.DEVNULL)
        cls.ours = (
            f"tls.certificates={folder}/server.pem", f"tls.keys={folder}/server.key", f"tls.authorities={folder}/ca.pem")
        cls.tls_port, = free_ports(1)
        trusting = [f"{section}.proxies={PROXY}" for section in ("rtmp", "http", "api", "relay")]
        cls.server = Server(
            (*trusting, *cls.ours, f"limits.sessions_per_address={cls.most}", "publish.linger=500ms",
             f"relay.tls_listen=127.0.0.1:{cls.tls_port}"), node="origin")
        cls.addClassCleanup(cls.server.stop)

    def call(self, port, words):
        """A connection from the proxy."""
        line = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(PROXY, 0))
        self.addCleanup(line.close)
        line.sendall(words)
        return line

    def is_answered(self, line):
        try:
            return bool(line.recv(1))
        except ConnectionResetError:
            return False

    def doors(self):
        """Port, and what a client says there to be answered; a node speaks first to another."""
        request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        return {
            "rtmp": (self.server.rtmp_port, b"\x03" + bytes(1536)), "http": (self.server.http_port, request),
            "api": (self.server.api_port, request), "relay": (self.server.relay_port, b"")}

    def test_limits_count_the_client_that_the_proxy_names_on_every_listener(self):
        for number, (name, (port, hello)) in enumerate(self.doors().items()):
            one, other = f"198.51.100.{number}", f"192.0.2.{number}"
            for _ in range(self.most):
                self.assertTrue(self.is_answered(self.call(port, header(one) + hello)), name)
            self.assertFalse(self.is_answered(self.call(port, header(one) + hello)), name)
            self.assertTrue(self.is_answered(self.call(port, header(other) + hello)), name)

    def test_a_proxy_that_names_nobody_is_refused_on_every_listener(self):
        for name, (port, hello) in self.doors().items():
            before = self.server.log.count("does not begin with a PROXY header")
            self.assertFalse(self.is_answered(self.call(port, hello or b"hello")), name)
            until(lambda: self.server.log.count("does not begin with a PROXY header") > before, f"it is told of {name}")
        silent = self.call(self.server.relay_port, b"")
        self.assertFalse(self.is_answered(silent))
        self.assertIn("the proxy did not say within 5 s who the client is", self.server.log)

    def test_a_node_behind_a_proxy_gets_its_streams_over_tls_and_is_known_by_its_own_address(self):
        door = Balancer(self, self.tls_port)
        edge = Server((*self.ours, f"relay.parents=tls://127.0.0.1:{door.port}"), node="edge")
        self.addCleanup(edge.stop)
        viewer = Recorder(self, edge.flv("behind"))
        edge.wait_viewers(1, "behind")
        self.publish(sample(), "behind")
        def link():
            """Who calls is there before it has said its name."""
            return [l for l in self.server.api("/api/v1/links")["links"] if l["node"]]
        [found] = until(link, "the edge is there")
        self.assertEqual((found["node"], found["address"]), ("edge", f"{CLIENT}:40000"))
        until(lambda: len(viewer.data) > 50_000, "the viewer is served")

    def test_a_dispatcher_knows_nodes_and_operators_behind_a_proxy_by_their_own_addresses(self):
        dispatcher = Dispatcher(TOPOLOGY, self.ours, (f"dispatch.proxies={PROXY}", f"api.proxies={PROXY}"))
        self.addCleanup(dispatcher.stop)
        for number, port in enumerate((dispatcher.port, dispatcher.tls_port, dispatcher.api_port), 1):
            self.assertFalse(self.is_answered(self.call(port, b"GET / HTTP/1.1\r\n\r\n")))
            until(lambda: dispatcher.log.count("does not begin with a PROXY header") == number, f"{number} are told")
        self.assertTrue(self.is_answered(self.call(dispatcher.port, header(CLIENT))), "it greets who is named")
        for port, scheme in (dispatcher.tls_port, "tls://"), (dispatcher.port, ""):
            node = Server(
                (*self.ours, f"dispatch.servers={scheme}127.0.0.1:{Balancer(self, port).port}"), node="origin")
            self.addCleanup(node.stop)
            dispatcher.wait_connected(1)
            known = next(line for line in reversed(dispatcher.log.splitlines()) if "dispatch.node " in line)
            self.assertIn(f"address={CLIENT}:40000", known)
            node.stop()
            dispatcher.wait_connected(0)
        curl = subprocess.run(
            ["curl", "-s", "--interface", PROXY, "--haproxy-protocol", f"http://127.0.0.1:{dispatcher.api_port}/healthz"],
            capture_output=True, text=True)
        self.assertEqual(curl.stdout, "ok\n")


if __name__ == "__main__":
    unittest.main()
