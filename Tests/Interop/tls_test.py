"""HTTPS and RTMPS with real clients, certificates that change under viewers, and PROXY headers in front of it all."""

import os
import pathlib
import socket
import ssl
import subprocess
import time
import unittest

import support
from rtmp_client import RTMPClient
from support import Server, ServerTest, free_ports, packets, sample, until


def certificate(folder, name, host):
    """A certificate of its own, as one makes for trying out."""
    key, pem = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", key, "-out", pem, "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"],
        check=True, capture_output=True)
    # Whom the test's clients trust.
    with open(folder / "trust.pem", "a") as trust:
        trust.write(pem.read_text())
    return pem, key


class TLSTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(support.SCRATCH.name) / f"tls-{time.monotonic_ns()}"
        cls.folder.mkdir()
        one, two = (certificate(cls.folder, name, f"{name}.example") for name in ("one", "two"))
        cls.https, cls.rtmps = free_ports(2)
        cls.server = Server((
            f"tls.certificates={one[0]},{two[0]}", f"tls.keys={one[1]},{two[1]}",
            f"http.tls_listen=127.0.0.1:{cls.https}", f"rtmp.tls_listen=127.0.0.1:{cls.rtmps}"))
        cls.addClassCleanup(cls.server.stop)

    def url(self, name, query=""):
        return f"https://127.0.0.1:{self.https}/live/{name}.flv{query}"

    def shown(self, host):
        """The names of the certificate that a client who asks for `host` is shown."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.load_verify_locations(self.folder / "trust.pem")
        with socket.create_connection(("127.0.0.1", self.https)) as raw:
            with context.wrap_socket(raw, server_hostname=host) as sealed:
                return [name for kind, name in sealed.getpeercert()["subjectAltName"] if kind == "DNS"]

    def test_ffmpeg_publishes_by_rtmps_and_watches_by_https_and_rtmps_frame_for_frame(self):
        publisher = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-i", sample(seconds=8), "-c", "copy",
            "-f", "flv", f"rtmps://127.0.0.1:{self.rtmps}/live/sealed")
        self.server.wait_live("sealed")
        viewers = [
            self.record(self.url("sealed")), self.record(f"rtmps://127.0.0.1:{self.rtmps}/live/sealed"),
            self.record(self.server.flv("sealed"))]
        curl = self.scratch(".flv")
        plain = self.program("curl", "-sk", "-o", curl, self.url("sealed"))
        self.server.wait_viewers(4, "sealed")
        publisher.succeed()
        for viewer in viewers:
            viewer.wait(40)
        plain.wait(40)
        for path in [viewer.path for viewer in viewers] + [curl]:
            for kind in "va":
                whole, part = packets(sample(seconds=8), kind), packets(path, kind)
                self.assertGreater(len(part), 100, kind)
                self.assertEqual(part, whole[-len(part):], f"{kind} of {path}")

    def test_the_page_and_the_api_of_streams_come_by_https_with_keep_alive(self):
        page = f"https://127.0.0.1:{self.https}/"
        done = subprocess.run(
            ["curl", "-s", "--cacert", self.folder / "one.pem", "-w", "%{http_code} %{num_connects}\n", "-o", "/dev/null",
             page, "-o", "/dev/null", page + "streams.json"], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "200 1\n200 0\n")

    def test_the_throw_away_certificate_is_good_for_trying(self):
        folder = self.folder / "tried"
        subprocess.run([support.ROOT / "tools/certificates", folder, "localhost", "127.0.0.1"], check=True, capture_output=True)
        port, = free_ports(1)
        server = Server((
            f"tls.certificates={folder}/server.pem", f"tls.keys={folder}/server.key", f"http.tls_listen=127.0.0.1:{port}"))
        self.addCleanup(server.stop)
        for place in "127.0.0.1", "localhost":
            subprocess.run(
                ["curl", "-4sf", "--cacert", folder / "ca.pem", "-o", "/dev/null", f"https://{place}:{port}/streams.json"],
                check=True)

    def test_a_client_is_shown_the_certificate_of_the_host_it_names(self):
        self.assertEqual(self.shown("one.example"), ["one.example"])
        self.assertEqual(self.shown("two.example"), ["two.example"])
        self.assertEqual(self.shown("other.example"), ["one.example"])

    def test_old_protocols_and_ciphers_are_refused(self):
        def agrees(*options):
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.https}", *options], stdin=subprocess.DEVNULL,
                capture_output=True, text=True)
            return "Cipher is (NONE)" not in done.stdout and "Cipher is " in done.stdout
        self.assertTrue(agrees("-tls1_2"))
        self.assertTrue(agrees("-tls1_3"))
        old = ("-cipher", "ALL:@SECLEVEL=0")
        self.assertFalse(agrees("-tls1", *old))
        self.assertFalse(agrees("-tls1_1", *old))
        for cipher in "AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "NULL", "RC4", "3DES":
            self.assertFalse(agrees("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0"), cipher)

    def test_a_certificate_that_changes_is_shown_to_who_comes_then_and_drops_nobody(self):
        self.publish(sample(seconds=30), "swap")
        self.server.wait_live("swap")
        program = self.program("curl", "-sk", "-o", path := self.scratch(".flv"), self.url("swap"))
        self.server.wait_viewers(1, "swap")
        for name in "two.pem", "two.key":
            os.rename(self.folder / name, self.folder / f"old-{name}")
        certificate(self.folder, "two", "new.example")
        until(lambda: "tls.reloaded" in self.server.log, "the files are read again")
        self.assertEqual(self.shown("new.example"), ["new.example"])
        size = os.path.getsize(path)
        until(lambda: os.path.getsize(path) > size + 100_000, "the viewer goes on")
        self.assertFalse(program.is_over)
        # What is no certificate is told, and changes nothing.
        (self.folder / "two.pem").write_text("nothing")
        until(lambda: "tls.not_reloaded" in self.server.log, "the broken file is told")
        self.assertEqual(self.shown("new.example"), ["new.example"])
        for name in "two.pem", "two.key":
            os.rename(self.folder / f"old-{name}", self.folder / name)
        until(lambda: self.server.log.count("tls.reloaded") > 1, "the old ones are back")

    def test_plain_bytes_on_a_sealed_port_end_that_connection_with_the_reason(self):
        with socket.create_connection(("127.0.0.1", self.https), timeout=20) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while plain.recv(4096):
                pass
        self.assertEqual(self.shown("one.example"), ["one.example"])


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


if __name__ == "__main__":
    unittest.main()
