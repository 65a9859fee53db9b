"""Streams that are pushed to where they come from: to the node itself, through a translator, round over other nodes. Each
is recognised before anybody loses a stream, and told; and what pushes do is counted."""

import re
import socket
import threading
import unittest

from push_test import PushTest
from support import Server, free_ports, sample, until


class Translator:
    """A port of another address that leads to a server, as a load balancer's or a carrier's does."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            for one, other in (near, far), (far, near):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    @staticmethod
    def carry(one, other):
        try:
            while block := one.recv(65536):
                other.sendall(block)
        except OSError:
            pass
        for end in one, other:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class LoopTest(PushTest):
    """Whoever publishes may take a stream over: a push that came back would."""

    settings = (*PushTest.settings, "publish.takeover=always")

    @classmethod
    def setUpClass(cls):
        [cls.srt_port] = free_ports(1)
        cls.server = Server((*cls.settings, f"srt.listen=127.0.0.1:{cls.srt_port}"))
        cls.addClassCleanup(cls.server.stop)

    def metrics(self, server=None):
        lines = (server or self.server).api("/metrics", raw=True).splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def assert_undisturbed(self, name, server=None):
        """The stream is still that of its first publisher, and goes on."""
        server = server or self.server
        before = server.stream(name)
        until(lambda: server.stream(name)["framesVideo"] > before["framesVideo"] + 10, "the stream goes on")
        self.assertEqual(len(re.findall(rf"publish\.start .*\bstream=live/{name}\b", server.log)), 1, server.log)
        self.assertNotIn("replaced by", server.log)

    def test_a_node_does_not_push_to_itself_by_whatever_address(self):
        publisher = self.publish(sample(seconds=20), "own")
        self.server.wait_live("own")
        ids = [self.push(url, "own") for url in (
            f"rtmp://127.0.0.1:{self.server.rtmp_port}/live/{{stream}}",
            f"rtmp://localhost:{self.server.rtmp_port}/live/elsewhere",
            f"rtmp://0.0.0.0:{self.server.rtmp_port}/live/{{stream}}",
            f"rtmp://127.0.0.1:{self.server.http_port}/live/third",
            f"srt://127.0.0.1:{self.srt_port}?streamid=publish:live/own",
            f"srt://localhost:{self.srt_port}?streamid=publish:live/fourth")]
        for id in ids:
            push = self.wait_state("retrying", "own", id)
            self.assertRegex(push["error"], r"is this node itself, which listens at [0-9.]+:\d+; name another")
            self.assertGreater(push["nextTry"], 15)
            self.assertEqual(push["connections"], 0)
        self.assertEqual(self.server.log.count("is this node itself"), len(ids))
        self.assert_undisturbed("own")
        names = {stream["name"] for stream in self.server.api("/api/v1/streams")["streams"]}
        self.assertFalse(names & {"elsewhere", "third", "fourth"}, names)
        self.assertEqual(self.metrics()['sluice_pushes{state="retrying"}'], len(ids))
        publisher.stop()
        for id in ids:
            self.delete(id, "own")

    def test_a_stream_that_comes_back_through_a_translator_is_refused_by_its_own_node(self):
        translator = Translator(self.server.rtmp_port)
        self.addCleanup(translator.close)
        publisher = self.publish(sample(seconds=20), "round")
        self.server.wait_live("round")
        ids = [self.push(f"rtmp://127.0.0.1:{translator.port}/live/{name}", "round") for name in ("{stream}", "else")]
        for id in ids:
            push = self.wait_state("retrying", "round", id)
            self.assertIn("has come through this node before", push["error"])
            self.assertGreater(push["nextTry"], 15)
        self.assertIn("publish.refused", self.server.log)
        self.assertGreaterEqual(self.server.errors()["publish_loop"], 2)
        self.assert_undisturbed("round")
        publisher.stop()
        for id in ids:
            self.delete(id, "round")

    def test_nodes_that_push_to_one_another_break_the_circle_where_it_closes(self):
        second = self.other()
        third = self.other(
            f"push=rtmp://127.0.0.1:{self.server.rtmp_port}/live/{{stream}}")
        publisher = self.publish(sample(seconds=30), "circle")
        self.server.wait_live("circle")
        self.push(f"rtmp://127.0.0.1:{second.rtmp_port}/live/{{stream}}", "circle")
        second.wait_live("circle")
        self.push(f"rtmp://127.0.0.1:{third.rtmp_port}/live/{{stream}}", "circle", second)
        third.wait_live("circle")
        push = self.wait_state("retrying", "circle", server=third)
        self.assertIn("has come through this node before", push["error"])
        self.assertIn("push.failed", third.log)
        # What is no circle goes on.
        self.wait_state("live", "circle")
        self.wait_state("live", "circle", server=second)
        self.assert_undisturbed("circle")
        self.assertEqual(second.log.count("publish.start"), 1)
        self.assertEqual(third.log.count("publish.start"), 1)
        publisher.stop()

    def test_what_pushes_do_is_counted_for_the_node_and_for_each(self):
        destination = self.other()
        before = self.metrics()
        publisher = self.publish(sample(seconds=30), "counted")
        self.server.wait_live("counted")
        id = self.push(f"rtmp://127.0.0.1:{destination.rtmp_port}/live/counted", "counted")
        self.wait_state("live", "counted")
        self.assertEqual(self.metrics()['sluice_pushes{state="live"}'], 1)
        destination.program.stop()
        push = until(lambda: (p := self.pushes("counted")[0])["retries"] > 0 and p, "it is called again")
        self.assertEqual(push["framesMissed"], 0)
        destination.start_again()
        self.wait_state("live", "counted", seconds=40)
        push = until(lambda: (p := self.pushes("counted")[0])["frames"] > 60 and p, "frames are sent")

        def since(name):
            return self.metrics()[f"sluice_push_{name}_total"] - before[f"sluice_push_{name}_total"]
        self.assertEqual(since("connections"), 2)
        self.assertGreaterEqual(since("retries"), 1)
        self.assertGreaterEqual(since("sent_frames"), push["frames"])
        self.assertGreaterEqual(since("sent_bytes"), push["bytesOut"])
        self.assertEqual(since("missed_frames"), 0)
        self.delete(id, "counted")
        until(lambda: not self.pushes("counted"), "it is gone")
        self.assertGreaterEqual(since("sent_frames"), push["frames"], "what it has done stays counted")
        self.assertEqual(self.server.api("/api/v1/node")["pushes"]["connections"], since("connections") + before[
            "sluice_push_connections_total"])
        publisher.stop()


if __name__ == "__main__":
    unittest.main()
