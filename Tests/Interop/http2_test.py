"""HTTP/2 over TLS with real clients: the same port and the same answers as HTTP/1.1, many requests at once."""

import pathlib
import re
import signal
import subprocess
import time
import unittest

import support
from http2_client import HTTP2Client
from support import Server, ServerTest, free_ports, packets, sample, until


class HTTP2Test(ServerTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(support.SCRATCH.name) / f"http2-{time.monotonic_ns()}"
        subprocess.run([support.ROOT / "tools/certificates", cls.folder, "localhost", "127.0.0.1"], check=True,
                       capture_output=True)
        cls.https, = free_ports(1)
        cls.server = cls.start(cls.https)
        cls.addClassCleanup(cls.server.stop)

    @classmethod
    def start(cls, port, *settings):
        return Server((
            f"tls.certificates={cls.folder}/server.pem", f"tls.keys={cls.folder}/server.key",
            f"http.tls_listen=127.0.0.1:{port}", "hls.form=low-latency", "hls.segment=2s", "hls.part=200ms",
            "publish.linger=200ms", *settings))

    def url(self, path, port=None):
        return f"https://localhost:{port or self.https}{path}"

    def curl(self, *arguments):
        done = subprocess.run(
            [support.tool("curl"), "-4", "-s", "--cacert", self.folder / "ca.pem", *arguments], capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def client(self, port=None, **options):
        client = HTTP2Client(port or self.https, **options)
        self.addCleanup(client.close)
        return client

    def playlist(self, name, path="media.m3u8"):
        return self.curl("--http2", self.url(f"/live/{name}/{path}")).decode()

    def wait_packaged(self, name, segments=1):
        self.server.wait_live(name)
        self.curl("--http2", self.url(f"/live/{name}/index.m3u8"))
        return until(
            lambda: found if len(re.findall(r"#EXTINF", found := self.playlist(name))) >= segments else None,
            f"{name} has {segments} segments")

    @staticmethod
    def next_part(playlist):
        """The number and the index of the part that comes next."""
        hint = re.search(r'PRELOAD-HINT:TYPE=PART,URI="(\d+)\.(\d+)\.m4s"', playlist)
        return int(hint[1]), int(hint[2])

    # What is spoken.

    def test_the_client_chooses_between_the_two_versions_on_one_port(self):
        for options, version in (("--http2",), "2"), (("--http1.1",), "1.1"), (("--no-alpn",), "1.1"):
            said = self.curl(*options, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", self.url("/"))
            self.assertEqual(said.decode(), f"{version} 200")
        self.assertEqual(self.client().protocol, "h2")

    def test_the_page_and_the_list_of_streams_are_those_of_http_1(self):
        for path in "/", "/healthz", "/readyz":
            self.assertEqual(*(self.curl(version, self.url(path)) for version in ("--http2", "--http1.1")), path)
        listing = self.curl("--http2", "-w", "%{http_code}", self.url("/streams.json"))
        self.assertRegex(listing, rb"streams.*200$")
        for options, status in (
            ((self.url("/nothing"),), "404"), (("-I", self.url("/")), "200"),
            (("-X", "DELETE", self.url("/")), "405"), (("-X", "OPTIONS", self.url("/")), "204"),
            ((self.url("/live/none.flv?only=that"),), "400"),
            (("-d", "x" * 1000, self.url("/")), "405"),
        ):
            self.assertEqual(
                self.curl("--http2", "-o", "/dev/null", "-w", "%{http_code}", *options).decode(), status, options)

    def test_one_connection_carries_all_requests(self):
        done = self.curl(
            "--http2", "-w", "%{http_code} %{num_connects}\n", "-o", "/dev/null", self.url("/"), "-o", "/dev/null",
            self.url("/healthz"))
        self.assertEqual(done, b"200 1\n200 0\n")

    def test_load_of_many_clients_and_streams_is_served(self):
        done = subprocess.run(
            [support.tool("h2load"), "-n", "2000", "-c", "10", "-m", "50", self.url("/"), self.url("/healthz")],
            capture_output=True, text=True)
        self.assertIn("2000 succeeded, 0 failed, 0 errored", done.stdout)

    def test_a_client_that_breaks_the_protocol_ends_alone(self):
        other, client = self.client(), self.client()
        client.send(0, 0, 0, b"data on no stream")
        while client.read_frame() is not None:
            pass
        self.assertEqual([code for _, code in client.goodbyes], [1])
        self.assertGreater(self.server.errors()["http2_protocol"], 0)
        self.assertEqual(other.get("/healthz"), b"ok\n")

    # HLS.

    def test_playlists_segments_and_parts_are_those_of_http_1_byte_for_byte(self):
        self.publish(sample(seconds=20), "same")
        playlist = self.wait_packaged("same", 2)
        names = re.findall(r"^(\d+\.m4s)$", playlist, re.M)[:2] + re.findall(r'PART:.*URI="([^"]+)"', playlist)[-4:]
        names += re.findall(r'MAP:URI="([^"]+)"', playlist)
        self.assertGreater(len(names), 5)
        for name in names:
            path = f"/live/same/{name}"
            bodies = [self.curl(version, self.url(path)) for version in ("--http2", "--http1.1")]
            self.assertEqual(*bodies, name)
            self.assertEqual(self.client().get(path), bodies[0], name)
        # Until it grows, a playlist is the same text.
        def is_same():
            bodies = [self.curl(version, self.url("/live/same/media.m3u8")) for version in ("--http2", "--http1.1")]
            return bodies[0] == bodies[1]
        until(is_same, "both versions have seen one state of the playlist")

    def test_ranges_heads_and_tags_are_those_of_http_1(self):
        self.publish(sample(seconds=20), "range")
        name = re.search(r"^(\d+\.m4s)$", self.wait_packaged("range"), re.M)[1]
        url = self.url(f"/live/range/{name}")
        whole = self.curl("--http2", url)
        tag = re.search(rb"etag: (.*)\r", self.curl("--http2", "-I", url))[1].decode()
        for options in (
            ("-r", "10-99"), ("-r", "-5"), ("-r", "100-"), ("-r", f"{len(whole)}-"), ("-I",),
            ("-H", f"If-None-Match: {tag}"), ("-H", 'If-None-Match: "other"'), ("-H", "Origin: https://a.example"),
        ):
            heads = []
            for version in "--http2", "--http1.1":
                said = self.curl(version, *(() if "-I" in options else ("-D", "-")), *options, url)
                head, _, body = said.partition(b"\r\n\r\n")
                lines = [line.lower() for line in head.split(b"\r\n")]
                fields = {line for line in lines[1:] if not line.startswith((b"date", b"connection"))}
                heads.append((lines[0].split()[1], fields, body))
            self.assertEqual(*heads, options)
        self.assertEqual(self.curl("--http2", "-r", "10-99", url), whole[10:100])

    def test_requests_that_wait_hold_up_nobody_on_their_connection(self):
        self.publish(sample(seconds=30), "parked")
        self.wait_packaged("parked")
        client = self.client()
        number, index = self.next_part(client.get("/live/parked/media.m3u8").decode())
        # A second and a half from now, in the last parts of the segment or in the next one.
        later = client.ask(f"/live/parked/media.m3u8?_HLS_msn={number + 1}&_HLS_part=5")
        reload = client.ask(f"/live/parked/media.m3u8?_HLS_msn={number}&_HLS_part={index}")
        part = client.ask(f"/live/parked/{number}.{index}.m4s")
        others = [client.ask("/healthz"), client.ask("/"), client.ask("/live/parked/media.m3u8")]
        client.wait(*others)
        self.assertNotIn(later, client.complete)
        client.wait(later, reload, part)
        order = client.complete[-6:]
        # The next part may be there at once; what comes a second later comes last.
        self.assertEqual(order[-1], later)
        self.assertEqual([client.statuses[stream] for stream in order], [200] * 6)
        self.assertIn(f'URI="{number}.{index}.m4s"', client.bodies[reload].decode())
        self.assertIn(f'URI="{number + 1}.5.m4s"', client.bodies[later].decode())
        self.assertEqual(bytes(client.bodies[part]), self.curl("--http1.1", self.url(f"/live/parked/{number}.{index}.m4s")))

    def test_what_is_given_up_waits_no_longer_and_the_rest_is_answered(self):
        self.publish(sample(seconds=30), "given")
        self.wait_packaged("given")
        client = self.client()
        number, index = self.next_part(client.get("/live/given/media.m3u8").decode())
        waiting = [client.ask(f"/live/given/media.m3u8?_HLS_msn={number + 1}&_HLS_part={i}") for i in (0, 1, 2)]
        client.reset(waiting[0])
        client.wait(*waiting[1:])
        self.assertNotIn(waiting[0], client.complete)
        gone = self.client()
        gone.ask(f"/live/given/media.m3u8?_HLS_msn={number + 2}")
        gone.close()
        self.assertEqual(client.get("/healthz"), b"ok\n")

    def test_nghttp_fetches_a_playlist_and_its_segments_at_once(self):
        self.publish(sample(seconds=20), "tool")
        names = re.findall(r"^(\d+\.m4s)$", self.wait_packaged("tool", 2), re.M)
        done = subprocess.run(
            [support.tool("nghttp"), "-ns", *(self.url(f"/live/tool/{n}") for n in ("media.m3u8", *names[:2]))],
            capture_output=True, text=True)
        self.assertEqual(len(re.findall(r" 200 +\S+ /live/tool/", done.stdout)), 3, done.stdout + done.stderr)

    # Live streams.

    def test_a_live_stream_by_http_2_is_the_publishers_frame_for_frame(self):
        publisher = self.publish(sample(seconds=8), "live")
        self.server.wait_live("live")
        files = {suffix: self.scratch(f".{suffix}") for suffix in ("flv", "ts", "mp4")}
        viewers = [
            self.program(
                "curl", "-4", "-sS", "--http2", "--cacert", self.folder / "ca.pem", "-o", path,
                self.url(f"/live/live.{suffix}"))
            for suffix, path in files.items()]
        self.server.wait_viewers(3, "live")
        self.assertEqual(
            {session["protocol"] for session in self.server.sessions("play", "live")}, {"http-flv", "http-ts", "http-mp4"})
        publisher.succeed()
        for viewer in viewers:
            # The body ends, and the connection is still good: curl has nothing to complain of.
            viewer.succeed()
        for kind in "va":
            whole, part = packets(sample(seconds=8), kind), packets(files["flv"], kind)
            self.assertGreater(len(part), 100, kind)
            self.assertEqual(part, whole[-len(part):], kind)
        for suffix in "ts", "mp4":
            self.assertGreater(len(packets(files[suffix], "v")), 100, suffix)
        until(lambda: not self.server.sessions("play", "live"), "the viewers have left")

    def test_two_live_streams_and_requests_share_one_connection(self):
        for name in "one", "two":
            self.publish(sample(seconds=20), name)
            self.server.wait_live(name)
        client = self.client()
        streams = [client.ask("/live/one.flv"), client.ask("/live/two.flv?only=audio")]
        until(lambda: client.read_frame() is not None and all(len(client.bodies[s]) > 20_000 for s in streams), "both flow")
        self.assertEqual(client.get("/healthz"), b"ok\n")
        for stream in streams:
            self.assertEqual(client.bodies[stream][:3], b"FLV")
        client.reset(streams[0])
        self.server.wait_viewers(0, "one")
        before = len(client.bodies[streams[1]])
        until(lambda: client.read_frame() is not None and len(client.bodies[streams[1]]) > before + 5_000, "the other goes on")

    def test_who_asks_before_the_stream_is_there_waits_for_it(self):
        client = self.client()
        early, playlist = client.ask("/live/early.flv"), client.ask("/live/early/index.m3u8")
        self.assertEqual(client.get("/healthz"), b"ok\n")
        self.publish(sample(seconds=10), "early")
        client.wait(playlist)
        until(lambda: client.read_frame() is not None and len(client.bodies[early]) > 10_000, "the stream comes")
        self.assertIn(b"media.m3u8", client.bodies[playlist])

    def test_a_stream_that_the_client_does_not_read_is_given_up_and_the_others_go_on(self):
        port, = free_ports(1)
        server = self.start(port, "play.stall_timeout=1s")
        self.addCleanup(server.stop)
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-re", "-i", sample(seconds=20), "-c", "copy", "-f",
            "flv", server.rtmp("slow"))
        server.wait_live("slow")
        client = self.client(port, window=20_000)
        live = client.ask("/live/slow.flv")
        client.wait(live)
        self.assertEqual((client.resets[live], len(client.bodies[live])), (8, 20_000))
        self.assertEqual(client.get("/healthz"), b"ok\n")
        self.assertEqual(server.errors()["viewer_stalled"], 1)
        server.wait_viewers(0, "slow")

    # Life.

    def test_a_client_behind_a_proxy_is_known_by_its_own_address(self):
        port, = free_ports(1)
        server = self.start(port, "http.proxies=127.0.0.1/32")
        self.addCleanup(server.stop)
        client = self.client(port, before=b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 443\r\n")
        self.assertEqual(client.protocol, "h2")
        self.assertEqual(client.get("/healthz"), b"ok\n")
        self.assertIn("203.0.113.9:40000", [session["address"] for session in server.sessions()])

    def test_a_node_that_goes_down_says_goodbye_and_answers_what_it_was_asked(self):
        port, = free_ports(1)
        server = self.start(port, "drain.timeout=6s")
        self.addCleanup(server.stop)
        publisher = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-re", "-i", sample(seconds=30), "-c", "copy", "-f",
            "flv", server.rtmp("last"))
        server.wait_live("last")
        client, idle = self.client(port), self.client(port)
        idle.get("/healthz")
        client.get("/live/last/index.m3u8")
        number, index = self.next_part(client.get("/live/last/media.m3u8").decode())
        live = client.ask("/live/last.flv")
        parked = client.ask(f"/live/last/media.m3u8?_HLS_msn={number + 1}&_HLS_part=0")
        until(lambda: client.read_frame() is not None and client.bodies[live], "the stream flows")
        server.program.signal(signal.SIGTERM)
        while idle.read_frame() is not None:
            pass
        self.assertEqual(idle.goodbyes, [(0x7FFFFFFF, 0), (1, 0)])
        client.wait(parked)
        self.assertEqual(client.statuses[parked], 200)
        self.assertEqual(client.goodbyes[:2], [(0x7FFFFFFF, 0), (parked, 0)])
        client.wait(live)
        self.assertNotIn(live, client.resets)
        server.program.wait()
        publisher.stop()

    def test_an_operator_ends_a_connection_with_all_that_is_on_it(self):
        self.publish(sample(seconds=20), "kicked")
        self.server.wait_live("kicked")
        client = self.client()
        live = client.ask("/live/kicked.flv")
        until(lambda: client.read_frame() is not None and client.bodies[live], "the stream flows")
        [session] = self.server.sessions("play", "kicked")
        self.server.api(f"/api/v1/sessions/{session['id']}", method="DELETE")
        while client.read_frame() is not None:
            pass
        self.assertEqual(client.goodbyes[-1][1], 0)
        self.server.wait_viewers(0, "kicked")


if __name__ == "__main__":
    unittest.main()
