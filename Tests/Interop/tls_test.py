"""HTTPS and RTMPS with real clients, certificates that change under viewers, and every TLS listener under scrutiny."""

import concurrent.futures
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import time
import unittest

import support
from support import Dispatcher, Server, ServerTest, free_ports, packets, sample, tool, until

TOPOLOGY = """
idcs:
  - {id: local, latitude: 50, longitude: 8}
nodes:
  - {id: origin, idc: local, capacity: {out: 1Gbit, sessions: 100}}
"""


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
            "publish.linger=500ms", f"tls.certificates={one[0]},{two[0]}", f"tls.keys={one[1]},{two[1]}",
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
        for port in self.https, self.rtmps:
            def agrees(*options):
                done = subprocess.run(
                    ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options], stdin=subprocess.DEVNULL,
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


class ListenersTest(ServerTest):
    """Every listener that speaks TLS, looked at from outside."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(support.SCRATCH.name) / f"listeners-{time.monotonic_ns()}"
        subprocess.run([support.ROOT / "tools/certificates", folder, "node"], check=True, stdout=subprocess.DEVNULL)
        cls.shown = ("-cert", folder / "server.pem", "-key", folder / "server.key")
        settings = (
            f"tls.certificates={folder}/server.pem", f"tls.keys={folder}/server.key", f"tls.authorities={folder}/ca.pem")
        https, rtmps, relay = free_ports(3)
        cls.server = Server((
            *settings, f"http.tls_listen=127.0.0.1:{https}", f"rtmp.tls_listen=127.0.0.1:{rtmps}",
            f"relay.tls_listen=127.0.0.1:{relay}"))
        cls.addClassCleanup(cls.server.stop)
        dispatcher = Dispatcher(TOPOLOGY, settings)
        cls.addClassCleanup(dispatcher.stop)
        cls.ports = {"https": https, "rtmps": rtmps, "relay": relay, "dispatch": dispatcher.tls_port}

    def agreed(self, port, *offered, version="-tls1_3"):
        """What a client that offers these protocols agrees on with the listener: one of them, nothing, or its refusal."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, *self.shown,
             *(("-alpn", ",".join(offered)) if offered else ())],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if "alert no application protocol" in done.stderr:
            return "refused"
        self.assertNotIn("Cipher is (NONE)", done.stdout, done.stderr)
        found = re.search("^ALPN protocol: (.+)$", done.stdout, re.MULTILINE)
        return found.group(1) if found else None

    def test_each_listener_agrees_on_the_protocols_that_it_speaks_and_refuses_who_offers_only_others(self):
        for name, speaks in (
            ("https", ("h2", "http/1.1")), ("rtmps", ()), ("relay", ("sluice-relay",)), ("dispatch", ("sluice-relay",))):
            for version in "-tls1_2", "-tls1_3":
                for offered in "h2", "http/1.1", "sluice-relay", "acme-tls/1":
                    self.assertEqual(
                        self.agreed(self.ports[name], offered, version=version),
                        offered if offered in speaks else "refused", (name, version, offered))
                self.assertIsNone(self.agreed(self.ports[name], version=version), name)
        self.assertEqual(self.agreed(self.ports["https"], "acme-tls/1", "http/1.1", "h2"), "h2")
        self.assertIn("no application protocol", self.server.log)

    def test_testssl_finds_no_obsolete_protocol_or_cipher(self):
        # Listeners have their protocols and ciphers from two places: those for everybody, and those for nodes.
        names = ("https", "relay")
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            for name, found in zip(names, pool.map(lambda name: testssl(self.scratch(), self.ports[name]), names)):
                self.assertEqual(complaints(found), [], name)


def testssl(path, port):
    """What testssl says of the protocols and ciphers of a listener: its findings by name. Of the certificate it is not
    asked: it does not know the authority."""
    report = pathlib.Path(path).with_suffix(".json")
    # Without a look at other machines, and without questions.
    done = subprocess.run(
        [tool("testssl"), "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "--fast", "--protocols",
         "--standard", "--server-preference", "--jsonfile", report, f"127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if not report.exists():
        raise AssertionError(f"testssl says nothing of port {port}: {done.stdout}{done.stderr}")
    return {entry["id"]: entry for entry in json.loads(report.read_text())}


# What testssl says of its own openssl: whether that has an engine for GOST depends on the machine.
OF_THE_ASKER = ("engine_problem",)


def complaints(found):
    """What is obsolete, and what was not looked at, so that an empty report is none that is good."""
    told = {name: entry["finding"] for name, entry in found.items()
            if entry["severity"] not in ("OK", "INFO", "DEBUG") and name not in OF_THE_ASKER}
    absent = ["SSLv2", "SSLv3", "TLS1", "TLS1_1"]
    absent += [f"cipherlist_{kind}" for kind in ("NULL", "aNULL", "EXPORT", "LOW", "3DES_IDEA", "AVERAGE")]
    wanted = {**{name: "not offered" for name in absent}, "TLS1_2": "offered", "TLS1_3": "offered"}
    for name, words in wanted.items():
        finding = found[name]["finding"] if name in found else "was not looked at"
        if not finding.startswith(words):
            told[name] = finding
    return [f"{name}: {finding}" for name, finding in told.items()]


if __name__ == "__main__":
    unittest.main()
