"""A node that is full: who is refused, how each protocol says so, where clients are sent, and what those inside notice."""

import json
import os
import pathlib
import signal
import unittest
import urllib.error
import urllib.request

import support
from rtmp_client import RTMPClient, command
from support import Dispatcher, Recorder, Server, ServerTest, media, packets, sample, until
from watcher import Watcher

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


def assert_without_loss(test, viewer, source):
    """The video of a viewer over HTTP is a run of the source's, which is published over and over."""
    whole, part = pictures(pathlib.Path(source).read_bytes()), pictures(viewer.data)
    first = whole.index(part[0])
    # By a word: a difference of megabytes takes minutes to print.
    same = part == [whole[(first + index) % len(whole)] for index in range(len(part))]
    test.assertTrue(same, f"{len(part)} pictures from number {first} of {len(whole)} on")


def pictures(flv):
    return [body for kind, _, body in media(bytes(flv)) if kind == 9]


class FullTest(ServerTest):
    settings = (
        "limits.sessions=40", "apps.live/small.limits.stream_viewers=1", "apps.few.limits.app_viewers=1",
        "publish.linger=500ms")

    def fill(self, name, count):
        viewers = [Watcher(self.server.flv(name)) for _ in range(count)]
        self.server.wait_viewers(count, name)
        self.addCleanup(lambda: self.server.wait_viewers(0, name))
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
        self.server.wait_gone("full")
        for viewer in viewers:
            viewer.wait()
            assert_without_loss(self, viewer, sample(seconds=4))

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
            LOADGEN, "publish", "--quiet", "--file", file, "--url", server.rtmp("ramp"), "--seconds", "300")
        self.addCleanup(push.stop)
        server.wait_live("ramp")
        rate = until(lambda: server.stream("ramp")["bitrateIn"] > 1e5 and server.stream("ramp")["bitrateIn"], "a rate")
        fits = int(20e6 / rate)
        rounds = []
        # The first two stay until they are told to go: a busy machine takes its time to start the third.
        for seconds in 300, 300, 3:
            rounds.append(support.Program(
                LOADGEN, "play", "--quiet", "--json", "--url", server.flv("ramp").removesuffix(".flv"), "--viewers", str(fits),
                "--seconds", str(seconds), "--warmup", "1"))
            self.addCleanup(rounds[-1].stop)
            until(lambda: server.errors().get("full_out", 0) > 0 or len(server.sessions("play")) >= fits - 1, "a round")
        until(lambda: server.errors().get("full_out", 0) > fits, "the third crowd is refused")
        inside = len(server.sessions("play"))
        self.assertGreaterEqual(inside, fits * 0.6)
        self.assertLessEqual(inside, fits + 1)
        # A crowd that was refused whole counts as failed.
        rounds[2].wait(60)
        for program in rounds[:2]:
            program.signal(signal.SIGINT)
            program.wait()
        outputs = [program.output for program in rounds]
        reports = [json.loads(output[output.index("{"):]) for output in outputs]
        self.assertEqual(sum(r["lost_whole_run"] + r["doubled_whole_run"] for r in reports), 0)


class BusyTest(ServerTest):
    """Processor time: an encoder that sends as fast as it can is a load that comes and goes with it."""

    # Alone on a machine the load makes it a quarter, and it has to be seen beside other tests' programs, too.
    settings = ("threads=1", "limits.cpu=5", "limits.reserve=0")

    def test_while_a_loop_is_busy_nobody_more_is_let_in_and_who_is_inside_loses_nothing(self):
        self.publish(sample(seconds=30), "calm", "-stream_loop", "-1")
        self.server.wait_live("calm")
        until(lambda: answer(self.server.flv("calm"))[0] == 200, "an idle node lets viewers in")
        viewer = Recorder(self, self.server.flv("calm"))
        self.server.wait_viewers(1, "calm")
        load = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-stream_loop", "-1", "-i", sample(seconds=4),
            "-c", "copy", "-f", "flv", self.server.rtmp("load"))

        def refused():
            status, headers, body = answer(self.server.flv("calm"))
            return status == 503 and (headers, body)
        headers, body = until(refused, "a busy node refuses")
        self.assertGreater(int(headers["Retry-After"]), 0)
        self.assertRegex(body.decode(), "a processor is busy for [0-9]+ %, limits.cpu is 5 %")
        player = RTMPClient(self.server.rtmp_port)
        self.addCleanup(player.close)
        player.send(command("connect", 1, {"app": "live", "tcUrl": "rtmp://127.0.0.1/live"}))
        self.assertTrue(player.read_until("NetConnection.Connect.Rejected"))
        self.assertIn(b"limits.cpu", player.received)
        second = self.publish(sample(seconds=4), "also")
        self.assertNotEqual(second.wait(), 0, "publishers leave no reserve free either")
        self.assertGreaterEqual(self.server.errors()["full_cpu"], 3)
        # Frames that came while it was busy.
        size = len(viewer.data)
        until(lambda: len(viewer.data) > size + 50_000, "who is inside is served")
        load.stop()
        until(lambda: answer(self.server.flv("calm"))[0] == 200, "it lets viewers in when the load has gone", 60)
        self.assertFalse(viewer.program.is_over)
        assert_without_loss(self, viewer, sample(seconds=30))


class MemoryTest(ServerTest):
    """Memory: the log of an encoder that sends a minute's media in a second fills it up."""

    # The least that can be set; a viewer leaves a tenth of it free.
    settings = ("limits.memory=64MiB", "retention.bytes=512MiB", "retention.time=10m", "publish.linger=0")

    def test_beyond_its_memory_a_node_refuses_the_next_and_who_is_inside_loses_nothing(self):
        self.publish(sample(seconds=30), "calm", "-stream_loop", "-1")
        self.server.wait_live("calm")
        self.assertLess(self.memory, 57 << 20, "there is room at first")
        viewer = Recorder(self, self.server.flv("calm"))
        self.server.wait_viewers(1, "calm")
        hoard = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-readrate", "60", "-stream_loop", "-1", "-i",
            sample(seconds=4), "-c", "copy", "-f", "flv", self.server.rtmp("hoard"))
        until(lambda: self.memory > 64 << 20, "the process has more than its limit", 60)

        def refused():
            status, headers, body = answer(self.server.flv("calm"))
            return status == 503 and (headers, body)
        headers, body = until(refused, "the next viewer is refused")
        self.assertGreater(int(headers["Retry-After"]), 0)
        self.assertIn(b"limits.memory, 64 MiB, are in use", body)
        second = self.publish(sample(seconds=4), "also")
        self.assertNotEqual(second.wait(), 0, "above the limit publishers are refused, too")
        self.assertGreaterEqual(self.server.errors()["full_memory"], 2)
        size = len(viewer.data)
        until(lambda: len(viewer.data) > size + 50_000, "who is inside is served")
        self.assertFalse(hoard.is_over, "and so is the one that fills it")
        hoard.stop()
        self.server.wait_gone("hoard")
        until(lambda: answer(self.server.flv("calm"))[0] == 200, "there is room again", 60)
        self.assertFalse(viewer.program.is_over)
        assert_without_loss(self, viewer, sample(seconds=30))

    @property
    def memory(self):
        return self.server.api("/api/v1/node")["memoryBytes"]


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
                (f"dispatch.servers={cls.dispatcher.address}", "node.idc=fra", "publish.linger=500ms", *limits),
                node=f"n{i}"))
            cls.addClassCleanup(cls.nodes[-1].stop)
        cls.server = cls.nodes[0]
        cls.dispatcher.wait_connected(3)

    def setUp(self):
        # The next test finds the node empty, of other nodes' subscriptions too; what stops its viewers runs before.
        self.addCleanup(lambda: until(lambda: self.server.api("/api/v1/node")["fullness"] < 0.1, "all have left"))

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
        curl = self.program("curl", "-sL", "-o", path, self.server.flv("moved"))
        until(lambda: os.path.getsize(path) > 50_000, "it is served")
        self.assertFalse(curl.is_over, curl)
        viewer = self.record(self.server.flv("moved"), "-frames:v", "60")
        viewer.succeed()
        self.assertEqual(len(packets(viewer.path, "v")), 60)

        publisher.stop()

    def test_an_rtmp_client_finds_where_to_go_as_flash_media_servers_tell_it(self):
        """`application.redirectConnection` of Flash Media Server: an error of the connect command whose information
        object has `ex.code` 302 and the address for the next `connect` in `ex.redirect`; there the application ends,
        and what the client had behind it follows. Players of Flash and SRS's edges read exactly that."""
        publisher = self.publish(sample(seconds=30), "sent")
        self.server.wait_live("sent")
        for _ in range(5):
            self.addCleanup(Recorder(self, self.server.flv("sent")).program.stop)
        self.server.wait_viewers(5, "sent")

        def rejected(query=""):
            player = RTMPClient(self.server.rtmp_port)
            try:
                player.send(command(
                    "connect", 1, {"app": f"live{query}", "tcUrl": f"rtmp://127.0.0.1/live{query}"}))
                if not player.read_until("NetConnection.Connect.Rejected", "NetConnection.Connect.Success"):
                    return None
                if b"Connect.Success" in player.received:
                    return None
                return player.read_commands()
            finally:
                player.close()
        until(lambda: (said := rejected()) and "ex" in said[0][3], "the dispatcher has told who has room")
        error, close = rejected("?token=a")
        self.assertEqual(error[:3], ["_error", 1.0, None])
        information = error[3]
        self.assertEqual(set(information), {"level", "code", "description", "ex"})
        self.assertEqual(information["level"], "error")
        self.assertEqual(information["code"], "NetConnection.Connect.Rejected")
        self.assertIn("limits.sessions", information["description"])
        self.assertEqual(set(information["ex"]), {"code", "redirect"})
        self.assertEqual(information["ex"]["code"], 302.0)
        self.assertEqual(close[:2], ["close", 0.0])
        places = {f"rtmp://127.0.0.1:{n.rtmp_port}/live?token=a": n for n in self.nodes[1:]}
        there = places[information["ex"]["redirect"]]
        # The client goes there with the same stream, and is served.
        player = RTMPClient(there.rtmp_port)
        self.addCleanup(player.close)
        self.assertEqual(player.play("sent"), "NetStream.Play.Start")
        publisher.stop()


if __name__ == "__main__":
    unittest.main()
