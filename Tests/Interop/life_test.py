"""The life of a stream: who may come first, what survives a publisher, who may replace whom, how it all ends."""

import pathlib
import signal
import time
import unittest
import urllib.error
import urllib.request

import support
from rtmp_client import RTMPClient
from support import Recorder, Server, ServerTest, kill, media, sample, until


def monotonic(frames):
    """Per track: timestamps never step back, and video does not stand still for as long as a second."""
    for kind in 8, 9:
        times = [time for number, time, _ in frames if number == kind]
        assert times == sorted(times), f"track {kind} steps back"
    return True


class LingerTest(ServerTest):
    # Time for whoever comes back on a busy machine.
    settings = ("publish.linger=30s", "play.wait=1s")

    def test_a_viewer_goes_on_when_a_killed_publisher_comes_back(self):
        first = self.publish(sample(seconds=10))
        self.server.wait_live()
        plain, program = Recorder(self, self.server.flv()), self.record(self.server.rtmp())
        self.server.wait_viewers(2)
        until(lambda: self.server.stream()["framesVideo"] > 45, "some frames have passed")
        before = self.server.stream()["epoch"]
        kill(first)
        until(lambda: self.server.stream()["state"] == "lingering", "the stream lingers")
        self.assertEqual(len(self.server.sessions("play")), 2)
        frames = len(media(plain.data))
        second = self.publish(sample(seconds=3))
        self.assertGreater(self.server.wait_live()["epoch"], before)
        until(lambda: len(media(plain.data)) > frames + 60, "frames of the second publish arrive")
        self.assertEqual(len(self.server.sessions("play")), 2)
        second.succeed()
        until(lambda: self.server.stream()["state"] == "lingering", "all of the second publish is in")
        self.server.api("/api/v1/streams/live/a", "DELETE")
        data = plain.wait()
        program.succeed()
        self.assertTrue(monotonic(media(data)))
        self.assertNotIn("on-mono", program.output)
        seam = media(data)[frames:]
        self.assertEqual(next(body[0] >> 4 for kind, _, body in seam if kind == 9), 1, "goes on from a keyframe")

    def test_a_viewer_of_nothing_is_told_so_after_play_wait(self):
        started = time.monotonic()
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(self.server.flv("nothing"), timeout=20)
        caught.exception.close()
        self.assertEqual(caught.exception.code, 404)
        self.assertGreater(time.monotonic() - started, 0.9)
        player = self.program("ffprobe", "-v", "error", self.server.rtmp("nothing"))
        self.assertNotEqual(player.wait(), 0)
        client = RTMPClient(self.server.rtmp_port)
        self.addCleanup(client.close)
        self.assertEqual(client.play("nothing"), "NetStream.Play.StreamNotFound")
        until(lambda: self.server.log.count("play.missing") == 3, "each has its line in the log")


class TakeoverTest(ServerTest):
    settings = ("publish.linger=1s", "publish.takeover=same")

    def test_a_stream_ends_when_nobody_comes_back(self):
        publisher = self.publish(sample(), "short")
        self.server.wait_live("short")
        viewer = Recorder(self, self.server.flv("short"))
        self.server.wait_viewers(1, "short")
        kill(publisher)
        viewer.wait()
        self.server.wait_gone("short")

    def test_the_same_publisher_replaces_its_own_half_open_session(self):
        first = self.publish(sample(seconds=10))
        stream = self.server.wait_live()
        viewer = Recorder(self, self.server.flv())
        self.server.wait_viewers(1)
        first.signal(signal.SIGSTOP)
        second = self.publish(sample())
        until(lambda: (self.server.stream()["publisher"] or {}).get("session")
              not in (None, stream["publisher"]["session"]), "the second publisher has the stream")
        self.assertEqual(len(self.server.sessions("publish")), 1)
        second.succeed()
        self.assertTrue(monotonic(media(viewer.wait())))
        first.stop()

    def test_a_stranger_is_refused_and_the_publisher_does_not_notice(self):
        publisher = self.publish(sample(), "busy")
        session = self.server.wait_live("busy")["publisher"]["session"]
        viewer = Recorder(self, self.server.flv("busy"))
        stranger = RTMPClient(self.server.rtmp_port, source="127.0.0.2")
        self.addCleanup(stranger.close)
        self.assertEqual(stranger.publish("busy"), "NetStream.Publish.BadName")
        self.assertEqual(self.server.stream("busy")["publisher"]["session"], session)
        self.assertEqual(self.server.errors().get("publish_refused"), 1)
        publisher.succeed()
        self.assertGreater(len(media(viewer.wait())), 100)

    def test_a_key_in_the_query_is_not_part_of_the_name(self):
        first = self.publish(sample(seconds=10), "keyed?key=secret")
        session = self.server.wait_live("keyed")["publisher"]["session"]
        first.signal(signal.SIGSTOP)
        second = self.publish(sample(), "keyed?key=secret")
        until(lambda: (self.server.stream("keyed")["publisher"] or {}).get("session") not in (None, session),
              "the key's owner has the stream back")
        self.assertNotIn("secret", self.server.log)
        second.succeed()
        first.stop()


class DrainTest(unittest.TestCase):
    def start(self, *settings):
        server = Server(settings)
        self.addCleanup(server.stop)
        publisher = support.Program(
            support.tool("ffmpeg"), "-loglevel", "error", "-nostdin", "-re", "-i", sample(seconds=10), "-c", "copy",
            "-f", "flv", server.rtmp())
        self.addCleanup(publisher.stop)
        server.wait_live()
        path = pathlib.Path(support.SCRATCH.name) / f"drain-{server.rtmp_port}.flv"
        viewer = support.Program(support.sys.executable, "-c", support.RECORD, server.flv(), path)
        self.addCleanup(viewer.stop)
        server.wait_viewers(1)
        return server, path

    def test_sigterm_refuses_newcomers_and_gives_viewers_their_time(self):
        server, path = self.start("drain.timeout=2s")
        until(lambda: path.stat().st_size > 1000, "the viewer watches")
        server.program.signal(signal.SIGTERM)
        until(lambda: "node.drain" in server.log, "the drain has begun")
        size = path.stat().st_size

        def refused():
            try:
                support.socket.create_connection(("127.0.0.1", server.rtmp_port), 1).close()
            except OSError:
                return True
        until(refused, "newcomers are refused")
        until(lambda: path.stat().st_size > size, "the viewer still watches")
        self.assertFalse(server.program.is_over)
        self.assertEqual(server.program.wait(), 0, server.log)
        self.assertTrue(monotonic(media(path.read_bytes())))

    def test_a_second_sigterm_ends_at_once(self):
        server, _ = self.start("drain.timeout=10m")
        server.program.signal(signal.SIGTERM)
        until(lambda: "node.drain" in server.log, "the drain has begun")
        server.program.signal(signal.SIGTERM)
        self.assertEqual(server.program.wait(5), 0, server.log)

    def test_without_sessions_sigterm_ends_at_once(self):
        server = Server(("drain.timeout=10m",))
        self.addCleanup(server.stop)
        server.program.signal(signal.SIGTERM)
        self.assertEqual(server.program.wait(5), 0, server.log)


if __name__ == "__main__":
    unittest.main()
