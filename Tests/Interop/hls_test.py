"""HLS and live MP4 under real players and parsers, encoders of every kind, and requests that mean harm."""

import json
import socket
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

import pypi
from hls_checker import Checker
from hls_client import Client, Playlist
from support import DEADLINE, Server, ServerTest, free_ports, has, sample, until

FORMS = {"live": "low-latency", "segments": "fmp4", "packets": "ts"}
SETTINGS = (
    "hls.segment=1s", "hls.part=200ms", "hls.window=8s", "apps.segments.hls.form=fmp4", "apps.packets.hls.form=ts",
    "publish.linger=60s")
DECODE = """
import av, sys
with av.open(sys.argv[1], timeout=20) as container:
    kinds, pictures, sounds = {s.type for s in container.streams}, 0, 0
    for frame in container.decode():
        pictures += isinstance(frame, av.VideoFrame)
        sounds += isinstance(frame, av.AudioFrame)
        if pictures >= 30 and sounds >= 30:
            sys.exit(0)
sys.exit(f"{kinds}: {pictures} pictures, {sounds} sounds")
"""
PARSE = """
import json, m3u8, sys
found = m3u8.loads(sys.stdin.read())
assert not found.is_variant and found.target_duration and found.media_sequence is not None and len(found.segments) >= 3
assert all(s.duration and s.uri and s.program_date_time for s in found.segments)
print(json.dumps({"parts": sum(len(s.parts) for s in found.segments), "map": bool(found.segment_map)}))
"""


class HLSTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        [cls.srt_port] = free_ports(1)
        cls.settings = (*SETTINGS, f"srt.listen=127.0.0.1:{cls.srt_port}")
        super().setUpClass()

    def url(self, name, app="live", resource="media.m3u8", server=None):
        return (server or self.server).page(f"/{app}/{name}/{resource}")

    def encode(self, name, app="live", video=("-g", "30", "-bf", "2"), audio=("-c:a", "aac"), codec="libx264"):
        inputs, codecs = [], []
        if video is not None:
            inputs += ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30"]
            codecs += ["-c:v", codec, "-preset", "ultrafast", "-pix_fmt", "yuv420p", *video]
        if audio is not None:
            inputs += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
            codecs += audio
        return self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", *inputs, *codecs, "-f", "flv",
            self.server.rtmp(name, app))

    def client(self, name, app="live", resource="media.m3u8", server=None):
        client = Client(self.url(name, app, resource, server))
        self.addCleanup(client.close)
        return client

    def playlist(self, client):
        """The first one that there is: a request waits for the stream's first segment, not for its encoder."""
        return Playlist(until(lambda: (a := client.get()).status == 200 and a, f"{client.base} is there").text)

    def checker(self, name, app="live"):
        client = self.client(name, app)
        self.playlist(client)
        checker = Checker(client.base)
        self.addCleanup(checker.client.close)
        return checker

    def follow(self, checker, **least):
        """Until so many of each have been seen, none of which broke a rule."""
        def enough(counts):
            return all(counts[name] >= count for name, count in least.items())
        checker.follow(2 * DEADLINE, enough)
        self.assertEqual(checker.broken, [])
        self.assertTrue(enough(checker.counts), f"not within {2 * DEADLINE} s: {least}; there were {checker.counts}")
        return checker

    def check(self, name, app="live", **least):
        checker = self.follow(self.checker(name, app), **least)
        checker.check_requests()
        print(f"{app}/{name}: {checker.summary()}", flush=True)
        self.assertEqual(checker.broken, [])

    # The rules.

    def test_low_latency_playlists_keep_the_rules(self):
        self.encode("rules")
        self.check("rules", segments=9, parts=50, hints=6, deltas=1, dropped=1)

    def test_the_other_forms_keep_the_rules(self):
        for app in "segments", "packets":
            self.encode("rules", app)
        # Side by side: following is waiting.
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda app: self.check("rules", app, segments=4), ("segments", "packets")))

    def test_a_long_group_of_pictures_is_one_segment(self):
        # As OBS sends: 250 pictures between keyframes.
        self.encode("long", video=("-g", "250", "-bf", "2", "-sc_threshold", "0"))
        client = self.client("long")
        playlist = self.playlist(client)
        self.assertGreaterEqual(playlist.target, playlist.segments[0].duration - 0.5)
        checker = self.follow(self.checker("long"), playlists=10)
        self.assertEqual(checker.playlist.target, playlist.target)

    def test_sound_alone_and_h265_keep_the_rules(self):
        self.encode("sound", video=None)
        self.encode("sound", "packets", video=None)
        # The packaged ffmpeg puts H.265 into no FLV.
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
            "testsrc2=size=320x180:rate=30", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-c:v",
            "libx265", "-preset", "ultrafast", "-x265-params", "keyint=30:bframes=2:log-level=none", "-pix_fmt", "yuv420p",
            "-c:a", "aac", "-f", "mpegts",
            f"srt://127.0.0.1:{self.srt_port}?streamid=#!::r=live/h265,m=publish&transtype=live")
        # A transport stream's sound may come some pictures late: packaging begins when all tracks are known.
        until(lambda: (s := self.server.stream("h265")) and s["audio"] and s["framesVideo"] > 75, "both tracks are known")
        streams = ("sound", "live"), ("sound", "packets"), ("h265", "live")
        with ThreadPoolExecutor() as pool:
            checker = list(pool.map(lambda stream: self.follow(self.checker(*stream), segments=3), streams))[-1]
        self.assertTrue(checker.maps[checker.playlist.segments[-1].map].has_video)
        index = self.client("h265", resource="index.m3u8").get().text
        self.assertIn("hvc1.1.", index)
        self.assertIn("mp4a.40.2", index)

    # Players and parsers.

    def test_players_play_each_form_and_live_mp4(self):
        for app in FORMS:
            self.encode("played", app)
        self.server.wait_live("played")
        # VLC that writes a file waits for as long as the stream is old.
        urls = [self.server.page("/live/played.mp4")] + [self.url("played", app, "index.m3u8") for app in FORMS]
        # All players of one address at a time: they spend their time with waiting.
        for url in urls:
            if url.endswith(".m3u8"):
                self.playlist(self.client("played", url.split("/")[3]))
            running = [(name, player(url)) for name, player in (
                ("ffmpeg", self.ffmpeg), ("pyav", self.pyav), ("vlc", self.by_vlc), ("gstreamer", self.gstreamer))]
            for name, verify in running:
                with self.subTest(player=name, url=url):
                    verify()

    def ffmpeg(self, url):
        path = self.scratch(".mkv")
        program = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-i", url, "-t", "2", "-c", "copy", path)
        return lambda: self.assertTrue(program.succeed(40) and has(path, "v") and has(path, "a"))

    def pyav(self, url):
        program = self.program(pypi.python(), "-c", DECODE, url)
        return lambda: program.succeed(40)

    def by_vlc(self, url):
        program = self.vlc(url)

        def verify():
            self.await_recording(program)
            self.assertTrue(has(program.path, "v") and has(program.path, "a"), program)
        return verify

    def gstreamer(self, url):
        program = self.program(
            "gst-launch-1.0", "-v", "playbin3", f"uri={url}", "video-sink=fakesink name=picture silent=false",
            "audio-sink=fakesink name=sound silent=false")

        def verify():
            until(lambda: min(program.output.count(f"{name}:sink) (") for name in ("picture", "sound")) > 20
                  or program.is_over, f"GStreamer plays: {program}", 40)
            self.assertFalse(program.is_over, program)
            program.stop()
        return verify

    def test_the_parser_of_the_package_index_accepts_each_form(self):
        for app in FORMS:
            self.encode("parsed", app)
        for app in FORMS:
            client = self.client("parsed", app)
            until(lambda: client.get().text.count("#EXTINF") >= 3 if client.get().status == 200 else False, "3 segments")
            done = subprocess.run(
                [pypi.python(), "-c", PARSE], input=client.get().text, capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(done.stdout)
            self.assertEqual((found["parts"] > 0, found["map"]), (app == "live", app != "packets"))

    # Encoders that come and go.

    def test_a_returning_encoder_is_a_discontinuity_and_numbers_go_on(self):
        first = self.encode("again")
        checker = self.checker("again")
        player = self.pyav_until_discontinuity(self.url("again", resource="index.m3u8"))
        self.follow(checker, segments=2)
        number = checker.playlist.segments[-1].number
        first.stop()
        self.encode("again")
        self.follow(checker, discontinuities=1)
        self.follow(checker, segments=checker.counts["segments"] + 2)
        found = next(s for s in checker.playlist.segments if s.starts_session)
        # At most the segment that was being made comes between.
        self.assertIn(found.number - number, range(1, 6))
        player.succeed(40)

    def pyav_until_discontinuity(self, url):
        """Decodes until it has more pictures than the first encoder can have sent."""
        return self.program(pypi.python(), "-c", DECODE.replace("pictures >= 30", "pictures >= 240"), url)

    def test_a_restarted_server_gives_higher_numbers(self):
        server = Server(SETTINGS)
        self.addCleanup(server.stop)
        numbers = []
        for _ in range(2):
            encoder = self.program(
                "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-re", "-i", sample(seconds=20), "-c", "copy",
                "-f", "flv", server.rtmp("restart"))
            client = self.client("restart", server=server)
            numbers.append(self.playlist(client).segments[-1].number)
            client.close()
            encoder.stop()
            if len(numbers) == 1:
                server.start_again()
        self.assertGreater(numbers[1], numbers[0])

    # Who asks.

    def test_a_connection_is_answered_with_what_is_there_now(self):
        """Its streams end and come back between its requests, and it asks for others."""
        server = Server((*SETTINGS, "publish.linger=0", "apps.live.hls.form=fmp4"))
        self.addCleanup(server.stop)
        client = self.client("ends", server=server)

        def publish(name):
            return self.program(
                "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-re", "-i", sample(seconds=40), "-c", "copy",
                "-f", "flv", server.rtmp(name))

        first = publish("ends")
        numbers = [s.number for s in self.playlist(client).segments]
        connection = client.connection.sock
        answer = client.get()
        unchanged = client.get(If_None_Match=answer.headers["etag"])
        if unchanged.status != 304:  # It has changed meanwhile.
            unchanged = client.get(If_None_Match=unchanged.headers["etag"])
        self.assertEqual((unchanged.status, unchanged.body), (304, b""))
        self.assertEqual(unchanged.headers["vary"], answer.headers["vary"])
        publish("other")
        other = until(lambda: (a := client.get("../other/media.m3u8")).status == 200 and a, "the other stream")
        self.assertIn("no-store", client.get("../other/index.m3u8").headers["cache-control"])
        self.assertNotIn("#EXT-X-ENDLIST", client.get().text)
        first.stop()
        until(lambda: "#EXT-X-ENDLIST" in client.get().text, "the stream has ended, and its playlist is still given out")
        publish("ends")
        again = until(
            lambda: (a := client.get()).status == 200 and "#EXT-X-ENDLIST" not in a.text and a, "the stream is back")
        self.assertGreater(Playlist(again.text).segments[-1].number, max(numbers))
        self.assertNotEqual(again.body, other.body)
        self.assertNotIn("#EXT-X-ENDLIST", client.get("../other/media.m3u8").text)
        self.assertIs(client.connection.sock, connection, "all of it was asked for over one connection")

    def test_who_waits_for_what_does_not_come_is_told_so(self):
        encoder = self.encode("paused")
        client = self.client("paused")
        self.playlist(client)
        encoder.stop()
        number = Playlist(client.get().text).segments[-1].number
        for query in f"?_HLS_msn={number + 2}", f"?_HLS_msn={number + 2}&_HLS_part=0":
            answer = client.get(query)
            self.assertEqual(answer.status, 503, answer.body)
            self.assertIn("retry-after", answer.headers)
            # Three target durations (§6.2.5.2), not at once.
            self.assertGreater(answer.seconds, 2)


class EndedTest(ServerTest):
    settings = ("hls.segment=1s", "hls.idle=3s", "publish.linger=0", "play.wait=0")

    def packaging(self):
        return self.server.api("/api/v1/node")["packaging"]

    def test_the_memory_of_what_has_ended_is_given_back_though_nobody_asks_for_it(self):
        encoders = [self.publish(sample(seconds=30), name) for name in ("one", "other")]
        for name in "one", "other":
            self.server.wait_live(name)
            client = Client(self.server.page(f"/live/{name}/media.m3u8"))
            self.addCleanup(client.close)
            until(lambda: client.get().status == 200, "it is packaged")
        self.assertEqual((self.packaging()["streams"], self.packaging()["ended"]), (2, 0))
        for encoder in encoders:
            encoder.stop()
        until(lambda: self.packaging()["ended"] == 2, "both have ended")
        self.assertGreater(self.packaging()["bytes"], 0)
        until(lambda: self.packaging() == {"streams": 0, "ended": 0, "bytes": 0}, "nothing is kept")
        self.assertIn("sluice_packaged_bytes 0\n", self.server.api("/metrics", raw=True))


class LimitsTest(ServerTest):
    settings = ("hls.segment=1s", "hls.idle=1s", "limits.stream_viewers=2", "publish.linger=60s", "play.wait=0")

    def test_viewers_are_counted_and_limited_and_packaging_ends_with_them(self):
        self.publish(sample(seconds=30))
        self.server.wait_live()
        self.assertNotIn("packaged", self.server.stream())
        clients = [Client(self.server.page("/live/a/index.m3u8")) for _ in range(3)]
        answers = []
        for client in clients:
            self.addCleanup(client.close)
            index = until(lambda: (a := client.get()).status == 200 and a, "the multivariant playlist").text
            [uri] = [line for line in index.splitlines() if line and not line.startswith("#")]
            answers.append(client.get(uri))
        self.assertEqual([a.status for a in answers], [200, 200, 503])
        self.assertIn("retry-after", answers[2].headers)
        stream = self.server.stream()
        self.assertEqual(stream["viewers"]["hls"], 2)
        self.assertGreater(stream["packaged"]["bytes"], 0)
        until(lambda: "packaged" not in self.server.stream(), "nobody asks, and nothing is packaged")
        self.assertNotIn("hls", self.server.stream()["viewers"])

    def test_what_is_not_there_is_a_cached_404(self):
        for resource in "index.m3u8", "media.m3u8", "1.m4s", "1.0.m4s", "init-0000000000000000.mp4":
            client = Client(self.server.page(f"/live/nobody/{resource}"))
            self.addCleanup(client.close)
            answer = client.get()
            self.assertEqual(answer.status, 404, resource)
            self.assertIn("max-age", answer.headers.get("cache-control", ""), resource)

    def test_a_way_out_of_the_tree_leads_nowhere(self):
        for path in (
                "/live/../../etc/passwd/index.m3u8", "/live/%2e%2e/%2e%2e/etc/passwd/index.m3u8",
                "/live/..%2f..%2fetc%2fpasswd/media.m3u8", "/live/a/..%5c..%5cetc%5cpasswd", "/live/a/../../../etc/passwd",
                "/live/a/%00/index.m3u8", "/live/a/init-../../../../../../x.mp4", "//etc/passwd/index.m3u8",
                "/live/a/1.0.m4s/../../../etc/passwd", "/live/a%00.mp4", "/../etc/passwd.mp4", "/live/a/%252e%252e/x.m4s"):
            with self.subTest(path=path), socket.create_connection(("127.0.0.1", self.server.http_port), 20) as made:
                made.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                answer = b"".join(iter(lambda: made.recv(65536), b""))
                self.assertIn(answer.split(b" ")[1], (b"400", b"404"), path)
                self.assertNotIn(b"root:", answer)


if __name__ == "__main__":
    unittest.main()
