"""Streams with several audio tracks over HLS: encoders that send them, players that choose one, and nodes that serve them
alike."""

import json
import os
import pathlib
import subprocess
import threading
import time
import unittest

import pypi
import two_tracks
from hls_checker import Checker
from hls_client import Client, Playlist
from hls_renditions import Multivariant, SideBySide
from rtmp_client import RTMPClient
from support import DEADLINE, Server, ServerTest, free_ports, sample, tags, until
from two_tracks import FIRST, SECOND, listener, tone

SETTINGS = (
    "hls.segment=1s", "hls.part=200ms", "hls.window=5s", "apps.segments.hls.form=fmp4", "apps.packets.hls.form=ts",
    "publish.linger=60s")
PARSE = """
import json, m3u8, sys
found = m3u8.loads(sys.stdin.read())
assert found.is_variant and len(found.playlists) == 1
keys = "type", "group_id", "name", "language", "default", "autoselect", "channels", "uri"
print(json.dumps({"media": [[getattr(m, key) for key in keys] for m in found.media],
                  "audio": found.playlists[0].stream_info.audio, "codecs": found.playlists[0].stream_info.codecs}))
"""


class RenditionsTest(ServerTest):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        [cls.srt_port] = free_ports(1)
        cls.settings = (*SETTINGS, f"srt.listen=127.0.0.1:{cls.srt_port}")
        super().setUpClass()

    def url(self, name, app="live", resource="index.m3u8", server=None):
        return (server or self.server).page(f"/{app}/{name}/{resource}")

    def encode(self, name, app="live", codecs=("aac", "aac"), languages=("eng", "deu")):
        url = f"srt://127.0.0.1:{self.srt_port}?streamid=#!::r={app}/{name},m=publish&transtype=live"
        return self.program(*two_tracks.command(url, codecs, languages))

    def client(self, url):
        client = Client(url)
        self.addCleanup(client.close)
        return client

    def index(self, name, app="live", server=None, renditions=1):
        client = self.client(self.url(name, app, server=server))
        def ready():
            answer = client.get()
            found = answer.status == 200 and Multivariant(answer.text)
            return found if found and sum("URI" in m for m in found.media) >= renditions else None
        return until(ready, f"{name} has {renditions} further renditions")

    # The rules.

    def test_each_rendition_keeps_the_rules_alone_and_beside_the_others(self):
        for app in "live", "segments":
            self.encode("rules", app)
        for app in "live", "segments":
            self.index("rules", app)
            for resource in "media.m3u8", "audio-1.m3u8":
                checker = Checker(self.url("rules", app, resource))
                self.addCleanup(checker.client.close)
                checker.follow(4).check_requests()
                self.assertEqual(checker.broken, [], resource)
                self.assertGreaterEqual(checker.counts["segments"], 3)
            together = SideBySide(self.url("rules", app))
            self.addCleanup(together.client.close)
            together.follow(4)
            self.assertEqual(together.broken, [])
            self.assertGreater(together.compared, 10)
            self.assertEqual(together.reports > 0, app == "live")
            print(f"{app}: {together.compared} segments side by side, {together.reports} reports", flush=True)

    def test_the_multivariant_playlist_tells_what_there_is_to_choose(self):
        self.encode("told", codecs=("aac", "ac3"))
        found = self.index("told")
        first, second = found.media
        self.assertEqual((first["NAME"], first["LANGUAGE"], first["DEFAULT"], first["CHANNELS"]), ("en", "en", "YES", "2"))
        self.assertEqual((second["NAME"], second["LANGUAGE"], second["DEFAULT"], second["CHANNELS"]), ("de", "de", "NO", "1"))
        self.assertNotIn("URI", first)
        [(variant, _)] = found.variants
        self.assertEqual(variant["AUDIO"], first["GROUP-ID"])
        self.assertRegex(variant["CODECS"], r"^avc1\.[0-9a-f]{6},mp4a\.40\.2,ac-3$")
        done = subprocess.run(
            [pypi.python(), "-c", PARSE], input=found.text, capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        parsed = json.loads(done.stdout)
        self.assertEqual(parsed["audio"], "audio")
        self.assertEqual([m[:4] for m in parsed["media"]],
                         [["AUDIO", "audio", "en", "en"], ["AUDIO", "audio", "de", "de"]])
        packaged = self.server.stream("told")["packaged"]
        self.assertEqual(packaged["renditions"], 2)
        self.assertGreater(packaged["bytes"], 0)

    def test_a_transport_streams_segments_have_all_tracks(self):
        self.encode("whole", "packets")
        client = self.client(self.url("whole", "packets", "media.m3u8"))
        playlist = Playlist(until(lambda: (a := client.get()).status == 200 and a, "a playlist").text)
        path = self.scratch(".ts")
        pathlib.Path(path).write_bytes(client.get(playlist.segments[-1].uri).body)
        kinds = self.probe(path)
        self.assertEqual([kind for kind, _ in kinds], ["video", "audio", "audio"])
        self.assertNotIn("EXT-X-MEDIA", self.client(self.url("whole", "packets")).get().text)

    # Players.

    def test_players_choose_the_second_track(self):
        for app in "live", "segments":
            self.encode("chosen", app)
        for app in "live", "segments":
            self.index("chosen", app)
            url = self.url("chosen", app)
            running = [(name, player(url)) for name, player in (
                ("ffmpeg", self.ffmpeg), ("vlc", self.german), ("gstreamer", self.gstreamer))]
            for name, verify in running:
                with self.subTest(player=name, url=url):
                    verify()

    def probe(self, url):
        done = subprocess.run(
            ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type,channels", "-of", "json", url],
            capture_output=True, text=True, timeout=40)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [(s["codec_type"], s.get("channels")) for s in json.loads(done.stdout)["streams"]]

    def ffmpeg(self, url):
        # Renditions with playlists of their own may come first.
        self.assertEqual(sorted(self.probe(url), key=str), [("audio", 1), ("audio", 2), ("video", None)])
        paths = [self.scratch(".raw") for _ in range(2)]
        programs = [self.program(*listener(url, language, path)) for language, path in zip(("en", "de"), paths)]

        def verify():
            for program, path, hertz in zip(programs, paths, (FIRST, SECOND)):
                self.assertTrue(program.succeed(40))
                self.assertAlmostEqual(tone(path), hertz, delta=hertz * 0.02)
        return verify

    def german(self, url):
        program = self.vlc(url, "--audio-language=de", "--no-sout-all")

        def verify():
            self.await_recording(program)
            raw = self.scratch(".raw")
            self.assertEqual(sorted(kind for kind, _ in self.probe(str(program.path))), ["audio", "video"])
            decoder = self.program(
                "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-i", str(program.path), "-map", "0:a:0",
                "-ac", "1", "-ar", "48000", "-f", "s16le", raw)
            decoder.succeed(40)
            self.assertAlmostEqual(tone(raw), SECOND, delta=SECOND * 0.02)
        return verify

    def gstreamer(self, url):
        """Its playbin has no choice for what playlists offer: it plays the default."""
        raw = self.scratch(".raw")
        program = self.program(
            "gst-launch-1.0", "playbin", f"uri={url}", "video-sink=fakesink",
            "audio-sink=audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1 ! "
            f"filesink location={raw}")

        def verify():
            until(lambda: os.path.exists(raw) and os.path.getsize(raw) > 2 * 96_000 or program.is_over,
                  f"GStreamer plays: {program}", 40)
            program.stop()
            self.assertAlmostEqual(tone(raw), FIRST, delta=FIRST * 0.02)
        return verify

    # Encoders and nodes.

    def test_a_track_that_comes_and_goes_in_mid_stream(self):
        encoder = Encoder(self.server.rtmp_port, "changing")
        self.addCleanup(encoder.stop)
        encoder.start()
        index, main, audio = (
            self.client(self.url("changing", resource=r)) for r in ("index.m3u8", "media.m3u8", "audio-1.m3u8"))
        until(lambda: index.get().status == 200, "the first playlist")
        self.assertNotIn("EXT-X-MEDIA", index.get().text)
        before = Playlist(main.get().text)
        encoder.further = True
        until(lambda: "audio-1.m3u8" in index.get().text, "the further track is told of")
        found = Playlist(audio.get().text)
        self.assertGreater(found.segments[0].number, before.segments[-1].number)
        self.assertFalse(any(s.is_gap for s in found.segments))
        encoder.further = False
        until(lambda: Playlist(audio.get().text).segments[-1].is_gap, "a gap")
        until(lambda: "audio-1.m3u8" not in index.get().text, "nobody is sent to silence")
        until(lambda: audio.get().status == 404, "nothing of the track is left")
        encoder.further = True
        until(lambda: "audio-1.m3u8" in index.get().text, "the track is back")
        again = Playlist(audio.get().text)
        self.assertGreater(again.segments[0].number, found.segments[-1].number)
        now = Playlist(main.get().text)
        self.assertFalse(any(s.starts_session for s in now.segments), "the main rendition goes on as if nothing had been")
        self.assertEqual(now.discontinuity, before.discontinuity)

    def test_two_nodes_serve_the_same_bytes_of_each_track(self):
        origin = Server(SETTINGS + (f"srt.listen=127.0.0.1:{(port := free_ports(1)[0])}",), node="origin")
        self.addCleanup(origin.stop)
        self.srt_port = port
        self.encode("same")
        until(lambda: origin.stream("same"), "the stream is there")
        edges = []
        for name in "edge-a", "edge-b":
            edges.append(Server((*SETTINGS, f"relay.parents={origin.relay}"), node=name))
            self.addCleanup(edges[-1].stop)
            # The second joins in the middle.
            found = self.index("same", server=edges[-1])
            self.assertEqual([m["LANGUAGE"] for m in found.media], ["en", "de"])
        for resource in "media.m3u8", "audio-1.m3u8":
            clients = [self.client(self.url("same", resource=resource, server=edge)) for edge in edges]
            def common():
                lists = [{s.number: s for s in Playlist(c.get().text).segments} for c in clients]
                numbers = sorted(lists[0].keys() & lists[1].keys())
                return [(lists[0][n], lists[1][n]) for n in numbers] if len(numbers) > 3 else None
            compared = 0
            for one, other in until(common, "segments in common"):
                self.assertEqual(one.key[:5], other.key[:5])
                for uri in [one.uri, one.map, *({p.uri for p in one.parts} & {p.uri for p in other.parts})]:
                    bodies = [c.get(uri) for c in clients]
                    self.assertEqual([b.status for b in bodies], [200, 200], uri)
                    self.assertEqual(bodies[0].body, bodies[1].body, uri)
                    compared += 1
            self.assertGreater(compared, 10)


class Encoder(threading.Thread):
    """Sends a file again and again over Enhanced RTMP, its sound on a second track too while `further` is set."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.client, self.further, self.is_over = RTMPClient(port), False, threading.Event()
        answer = self.client.publish(name)
        assert answer == "NetStream.Publish.Start", answer
        self.tags = [tag for tag in tags(pathlib.Path(sample(seconds=10)).read_bytes()) if tag[0] in (8, 9) and tag[2]]

    def run(self):
        began, base = time.monotonic(), 0
        while True:
            for kind, at, body in self.tags:
                at += base
                # As fast as time passes.
                if self.is_over.wait(max(0, began + at / 1000 - time.monotonic())):
                    return
                self.client.media(kind, body, at)
                if kind == 8 and self.further:
                    # Each header says what the first one did, and is no news to the server.
                    for first in (self.header, body):
                        self.client.media(8, b"\x95" + first[1:2] + b"mp4a\x01" + first[2:], at)
            base += self.tags[-1][1] + 23

    @property
    def header(self):
        return next(body for kind, _, body in self.tags if kind == 8 and body[1] == 0)

    def stop(self):
        self.is_over.set()
        self.join()
        self.client.close()


if __name__ == "__main__":
    unittest.main()
