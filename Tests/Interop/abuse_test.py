"""Peers that keep to the protocol and abuse it: viewers that never read, publishers that never stop asking."""

import socket
import unittest

from rtmp_client import RTMPClient
from support import Recorder, ServerTest, media, sample, until


class AbuseTest(ServerTest):
    settings = (
        "publish.linger=500ms", "play.stall_timeout=1s", "play.send_buffer=8KiB", "retention.time=2s",
        "apps.live/silent.publish.idle_timeout=1s", "limits.publish_per_address=5")

    def test_a_viewer_that_never_reads_is_disconnected_and_counted(self):
        viewer = Recorder(self, self.server.flv())
        self.server.wait_viewers(1)
        publisher = self.publish(sample(seconds=6))
        self.server.wait_live()
        deaf = socket.socket()
        self.addCleanup(deaf.close)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", self.server.http_port))
        deaf.sendall(b"GET /live/a.flv HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: self.server.errors().get("viewer_stalled"), "the viewer has been given up")
        self.assertEqual(self.server.stream()["stalledOut"], 1)
        self.assertEqual(len(self.server.sessions("play")), 1)
        publisher.succeed()
        self.assertGreater(len([1 for kind, _, _ in media(viewer.wait()) if kind == 9]), 170)
        self.server.wait_gone()

    def test_a_publisher_that_falls_silent_is_ended_and_counted(self):
        client = RTMPClient(self.server.rtmp_port, source="127.0.0.3")
        self.addCleanup(client.close)
        self.assertEqual(client.publish("silent"), "NetStream.Publish.Start")
        client.read_until("nothing more is said")
        self.assertEqual(self.server.errors()["publish_idle"], 1)
        self.server.wait_gone("silent")

    def test_a_flood_of_publishes_from_one_address_is_refused_there_alone(self):
        def publish(source, number):
            client = RTMPClient(self.server.rtmp_port, source)
            self.addCleanup(client.close)
            return client.publish(f"flood{number}")
        answers = [publish("127.0.0.4", number) for number in range(20)]
        self.assertEqual(answers[0], "NetStream.Publish.Start")
        self.assertIn("NetStream.Publish.BadName", answers)
        self.assertGreater(self.server.errors()["publish_flood"], 0)
        self.assertEqual(publish("127.0.0.5", 99), "NetStream.Publish.Start")


if __name__ == "__main__":
    unittest.main()
