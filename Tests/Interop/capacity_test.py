"""A node that is full: who is refused, how each protocol says so, where clients are sent, and what those inside notice."""

import json
import os
import subprocess
import unittest
import urllib.error
import urllib.request

import support
from rtmp_client import RTMPClient, command
from support import Dispatcher, Recorder, Server, ServerTest, packets, sample, until

LOADGEN = os.environ.get("LOADGEN", str(support.ROOT / ".build/release/loadgen"))


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def answer(url, headers=None):
    """Status, headers and body, with redirects not followed; the body of a stream is not waited for."""
    opener = urllib.request.build_opener(NoRedirect)
    try:
        with opener.open(urllib.request.Request(url, headers=headers or {}), timeout=20) as reply:
            return reply.status, reply.headers, b""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


class FullTest(ServerTest):
    settings = ("limits.sessions=40", "apps.live/small.limits.stream_viewers=1", "apps.few.limits.app_viewers=1")

    def fill(self, name, count):
        viewers = [Recorder(self, self.server.flv(name)) for _ in range(count)]
        self.server.wait_viewers(count, name)
        self.addCleanup(lambda: self.server.wait_viewers(0, name))
        for viewer in viewers:
            self.addCleanup(viewer.program.stop)
        return viewers

    def test_each_protocol_is_refused_in_its_own_words_and_publishers_still_come_in(self):
        # Over and over, for however long it takes to fill the node.
        publisher = self.publish(sample(seconds=4), "full", "-stream_loop", "-1")
        self.server.wait_live("full")
        # Of 40 the publisher has one; viewers leave 4 to relays and publishers.
        viewers = self.fill("full", 35)
        status, headers, body = answer(self.server.flv("full"))
        self.assertEqual(status, 503)
        self.assertGreater(int(headers["Retry-After"]), 0)
        self.assertIn(b"limits.sessions, 40, are served", body)
        upgrade = {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        self.assertEqual(answer(self.server.flv("full"), upgrade)[0], 503)

        player = RTMPClient(self.server.rtmp_port)
        self.addCleanup(player.close)
        player.send(command("connect", 1, {"app": "live", "tcUrl": "rtmp://127.0.0.1/live"}))
        self.assertTrue(player.read_until("NetConnection.Connect.Rejected"))
        self.assertIn(b"limits.sessions", player.received)
        self.assertIsNone(player.read_until("NetConnection.Connect.Success"), "closed behind it")

        ffmpeg = self.program("ffmpeg", "-hide_banner", "-nostdin", "-i", self.server.rtmp("full"), "-f", "null", "-")
        self.assertNotEqual(ffmpeg.wait(), 0)
        self.assertIn("this node is full", ffmpeg.output)

        second = self.publish(sample(seconds=4), "also")
        self.server.wait_live("also")
        second.stop()
        self.assertGreaterEqual(self.server.errors()["full_sessions"], 3)
        publisher.stop()
        whole = packets(sample(seconds=4), "v")
        for viewer in viewers:
            path = self.scratch(".flv")
            with open(path, "wb") as file:
                file.write(viewer.wait())
            part = packets(path, "v")
            first = whole.index(part[0])
            expected = [whole[(first + index) % len(whole)] for index in range(len(part))]
            self.assertEqual(part, expected, "who is inside loses nothing")
        self.server.wait_gone("full")

    def test_a_stream_and_an_application_have_limits_of_their_own(self):
        publisher = self.publish(sample(seconds=8), "small")
        self.server.wait_live("small")
        self.fill("small", 1)
        status, _, body = answer(self.server.flv("small"))
        self.assertEqual(status, 503)
        self.assertIn(b"limits.stream_viewers, 1, watch the stream", body)
        publisher.stop()

        url = f"http://127.0.0.1:{self.server.http_port}/few/"
        waiting = RTMPClient(self.server.rtmp_port)
        self.addCleanup(waiting.close)
        waiting.connect("few")
        waiting.send(command("createStream", 2, None) + command("play", 3, None, "a", stream=1))
        self.server.wait_viewers(1, "a")
        status, _, body = answer(url + "b.flv")
        self.assertEqual(status, 503)
        self.assertIn(b"limits.app_viewers, 1", body)
        waiting.close()
        self.server.wait_viewers(0, "a")
        # The place is free again: who waits for nothing is told so, not that there is no room.
        self.assertEqual(answer(url + "b.flv")[0], 404)


class RampTest(unittest.TestCase):
    """More and more viewers, past what the node may send."""

    def test_a_ramp_past_capacity_costs_nobody_inside_a_frame(self):
        server = Server(("limits.out=20Mbit", "limits.reserve=0"))
        self.addCleanup(server.stop)
        file = sample(seconds=8)
        push = support.Program(
            LOADGEN, "publish", "--quiet", "--file", file, "--url", server.rtmp("ramp"), "--seconds", "60")
        self.addCleanup(push.stop)
        server.wait_live("ramp")
        rate = until(lambda: server.stream("ramp")["bitrateIn"] > 1e5 and server.stream("ramp")["bitrateIn"], "a rate")
        fits = int(20e6 / rate)
        rounds = []
        for _ in range(3):
            rounds.append(support.Program(
                LOADGEN, "play", "--quiet", "--json", "--url", server.flv("ramp").removesuffix(".flv"), "--viewers", str(fits),
                "--seconds", "12", "--warmup", "1"))
            self.addCleanup(rounds[-1].stop)
            until(lambda: server.errors().get("full_out", 0) > 0 or len(server.sessions("play")) >= fits - 1, "a round")
        until(lambda: server.errors().get("full_out", 0) > fits, "the third crowd is refused")
        inside = len(server.sessions("play"))
        self.assertGreaterEqual(inside, fits * 0.6)
        self.assertLessEqual(inside, fits + 1)
        # A crowd that was refused whole counts as failed.
        for program in rounds:
            program.wait(60)
        outputs = [program.output for program in rounds]
        reports = [json.loads(output[output.index("{"):]) for output in outputs]
        self.assertEqual(sum(r["lost_whole_run"] + r["doubled_whole_run"] for r in reports), 0)


class ElsewhereTest(ServerTest):
    """Three nodes of a dispatcher: the full one sends its clients to one with room."""

    @classmethod
    def setUpClass(cls):
        cls.dispatcher = Dispatcher("idcs: [{id: fra, latitude: 50.1, longitude: 8.7}]\nnodes:\n" + "".join(
            f"  - {{id: n{i}, idc: fra, roles: [ingest, relay, edge], "
            "capacity: {out: 1Gbit, in: 1Gbit, sessions: 1000, cpu: 1}}\n" for i in range(3)))
        cls.addClassCleanup(cls.dispatcher.stop)
        cls.nodes = []
        for i in range(3):
            # Room for six viewers, two nodes that take a stream from here, and two publishers.
            limits = ("limits.sessions=10", "limits.reserve=20", "limits.soft=50") if i == 0 else ()
            cls.nodes.append(Server(
                (f"dispatch.servers={cls.dispatcher.address}", "node.idc=fra", *limits), node=f"n{i}"))
            cls.addClassCleanup(cls.nodes[-1].stop)
        cls.server = cls.nodes[0]
        cls.dispatcher.wait_connected(3)

    def test_viewers_are_sent_to_a_node_with_room(self):
        publisher = self.publish(sample(seconds=30), "moved")
        self.server.wait_live("moved")
        for _ in range(5):
            self.addCleanup(Recorder(self, self.server.flv("moved")).program.stop)
        self.server.wait_viewers(5, "moved")

        def moved():
            status, headers, _ = answer(self.server.flv("moved", "?token=a%20b"))
            return status == 302 and headers["Location"]
        location = until(moved, "the dispatcher has told who has room")
        self.assertIn(location.split("/")[2], [f"127.0.0.1:{n.http_port}" for n in self.nodes[1:]])
        self.assertTrue(location.endswith("/live/moved.flv?token=a%20b&sent_on=1"), location)
        self.assertEqual(answer(self.server.flv("moved", "?sent_on=1"))[0], 503, "nobody is sent on twice")

        # Real clients follow.
        path = self.scratch(".flv")
        curl = subprocess.run(
            ["curl", "-sL", "--max-time", "4", "-o", path, self.server.flv("moved")], check=False)
        self.assertEqual(curl.returncode, 28, "it is served until its time is over")
        self.assertGreater(os.path.getsize(path), 50_000)
        viewer = self.record(self.server.flv("moved"), "-frames:v", "60")
        viewer.succeed()
        self.assertEqual(len(packets(viewer.path, "v")), 60)

        player = RTMPClient(self.server.rtmp_port)
        self.addCleanup(player.close)
        player.send(command("connect", 1, {"app": "live", "tcUrl": "rtmp://127.0.0.1/live"}))
        self.assertTrue(player.read_until("NetConnection.Connect.Rejected"))
        self.assertIsNone(player.read_until("NetConnection.Connect.Success"))
        self.assertRegex(
            player.received.decode("latin-1"),
            "redirect.*rtmp://127.0.0.1:(" + "|".join(str(n.rtmp_port) for n in self.nodes[1:]) + ")/live")
        publisher.stop()


if __name__ == "__main__":
    unittest.main()
