"""Live fragmented MP4 over HTTP and WebSockets, looked at fragment by fragment."""

import http.client
import json
import os
import subprocess
import unittest

import support
from hls_client import Movie, boxes
from srt_test import CUT, SRTTest
from support import Recorder, ServerTest, packets, sample, until
from transport import pictures
from websocket_client import WebSocket


class MP4Test(ServerTest):
    settings = ("publish.linger=60s",)

    def live(self, name):
        program = self.publish(sample(seconds=30), name)
        self.server.wait_live(name)
        return program

    def answer(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=20)
        self.addCleanup(connection.close)
        connection.request(method, path)
        return connection.getresponse()

    def messages(self, path):
        opened = WebSocket(f"ws://127.0.0.1:{self.server.http_port}{path}")
        self.addCleanup(opened.close)
        self.assertEqual(opened.status, 101)
        return opened.messages()

    def kinds(self, movie):
        return sorted(kind for kind, _ in movie.tracks.values())

    def check_fragments(self, movie, fragments):
        """Begins with a keyframe; each track's times rise without a hole."""
        samples = [s for data in fragments for s in movie.samples(data)]
        video, audio = ([s for s in samples if s[0] == kind] for kind in ("vide", "soun"))
        self.assertTrue(video[0][3], "the first picture is a keyframe")
        for track, slack in (video, 0.05), (audio, 0.002):
            self.assertGreater(len(track), 20)
            for before, after in zip(track, track[1:]):
                self.assertGreater(after[1], before[1])
                self.assertLess(after[1] - before[1] - before[2], slack)
        return video

    def test_over_a_websocket_each_message_is_a_fragment(self):
        self.live("messages")
        messages = self.messages("/live/messages.mp4")
        movie = Movie(next(messages))
        self.assertEqual(self.kinds(movie), ["soun", "vide"])
        fragments = [next(messages) for _ in range(150)]
        for data in fragments:
            names = [name for name, _, _ in boxes(data)]
            self.assertEqual([n for n in names if n != "prft"], ["moof", "mdat"])
        self.check_fragments(movie, fragments)
        self.assertEqual(self.server.stream("messages")["viewers"].get("ws-mp4"), 1)

    def test_over_http_it_is_the_same_and_has_no_length(self):
        self.live("plain")
        answer = self.answer("/live/plain.mp4")
        self.assertEqual((answer.status, answer.getheader("content-type")), (200, "video/mp4"))
        self.assertIsNone(answer.getheader("content-length"))
        data = answer.read(400_000)
        # The last box is cut off where reading ended.
        at = places = 0
        while at + 8 <= len(data) and at + (size := int.from_bytes(data[at:at + 4], "big")) <= len(data):
            at, places = at + size, places + 1
        self.assertGreater(places, 50)
        whole = data[:at]
        self.check_fragments(Movie(whole), [whole])

    def test_one_kind_of_track_can_be_asked_for(self):
        self.live("only")
        for only, kind in ("audio", "soun"), ("video", "vide"):
            movie = Movie(next(self.messages(f"/live/only.mp4?only={only}")))
            self.assertEqual(self.kinds(movie), [kind])
        self.assertEqual(self.answer("/live/only.mp4?only=smell").status, 400)

    def test_heads_and_streams_that_are_not_there(self):
        self.live("head")
        head = self.answer("/live/head.mp4", "HEAD")
        self.assertEqual((head.status, head.getheader("content-type"), head.read()), (200, "video/mp4", b""))
        self.assertEqual(self.answer("/nothing.mp4").status, 404)
        self.assertEqual(self.answer("/live/head.mp4", "POST").status, 405)

    def test_a_returning_encoder_goes_on_in_the_same_stream(self):
        first = self.live("again")
        messages = self.messages("/live/again.mp4")
        movie = Movie(next(messages))
        fragments = [next(messages) for _ in range(100)]
        first.stop()
        self.publish(sample(seconds=30), "again")
        until(lambda: self.server.stream("again")["state"] == "live", "the encoder is back")
        fragments += [next(messages) for _ in range(200)]
        times = [s[1] for data in fragments for s in movie.samples(data) if s[0] == "vide"]
        self.assertEqual(times, sorted(times))
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 10)


class WaitingTest(SRTTest):
    """A transport stream names its tracks before their first frames, and tells how to decode them with those: who asked
    before the stream was there begins with all of them all the same."""

    def watch_early(self, name, *options, tracks, original=None):
        viewer = Recorder(self, self.server.page(f"/live/{name}.mp4"))
        self.server.wait_viewers(1, name)
        self.encode(original or sample(), self.url(f"publish:live/{name}"), *options).succeed()
        data = viewer.wait()
        names = [kind for kind, _, _ in boxes(data)]
        self.assertEqual(names.count("moov"), 1)
        self.assertLess(names.index("moov"), names.index("moof"))
        movie = Movie(data)
        self.assertEqual(sorted(kind for kind, _ in movie.tracks.values()), sorted(tracks))
        self.assertTrue(movie.samples(data)[0][3], "it begins with a keyframe")
        done = subprocess.run(
            [support.tool("ffprobe"), "-v", "warning", "-show_entries", "stream=codec_name", "-of", "json", viewer.path],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        self.assertEqual(done.stderr.decode(), "", "ffprobe complains")
        self.server.wait_gone(name)
        path = self.scratch(".mp4")
        os.replace(viewer.path, path)
        return path, sorted(stream["codec_name"] for stream in json.loads(done.stdout)["streams"])

    def test_a_movie_that_was_waited_for_has_both_tracks_from_the_start(self):
        path, codecs = self.watch_early("early", tracks=("soun", "vide"))
        self.assertEqual(codecs, ["aac", "h264"])
        self.assert_same(sample(), path, cut=CUT)

    def test_sound_that_needs_no_configuration_is_there_too(self):
        path, codecs = self.watch_early("dolby", "-c:a", "ac3", tracks=("soun", "vide"))
        self.assertEqual(codecs, ["ac3", "h264"])
        self.assertGreater(len(pictures(path)), 100)
        # 4 s, without what is within SRT's latency at the end.
        self.assertGreater(len(packets(path, "a")), 4000 / 34.8 - CUT)

    def test_pictures_alone_are_waited_for_no_longer(self):
        path, codecs = self.watch_early("mute", "-an", tracks=("vide",))
        self.assertEqual(codecs, ["h264"])
        self.assertGreater(len(pictures(path)), 100)


if __name__ == "__main__":
    unittest.main()
