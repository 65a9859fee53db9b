"""Enhanced RTMP, which the packaged ffmpeg neither writes nor reads, spoken by hand."""

import unittest

from rtmp_client import RTMPClient
from support import Recorder, ServerTest, media, until


class EnhancedTest(ServerTest):
    settings = ("publish.linger=500ms",)

    def test_fourcc_bodies_pass_unchanged(self):
        recorder = Recorder(self, self.server.flv("enhanced"))
        self.server.wait_viewers(1, "enhanced")
        client = RTMPClient(self.server.rtmp_port)
        self.assertEqual(client.publish("enhanced"), "NetStream.Publish.Start")
        # VP9 needs the least of a configuration: vpcC, profile 0, level 3.1, 8 bits.
        configuration = b"\x90vp09" + bytes([1, 0, 0, 0, 0, 31, 0x82, 2, 2, 2, 0, 0])
        sent = [b"\x91vp09" + bytes([0x82, 0x49, 0x83, 0x42]) + bytes(100)]
        sent += [b"\xa1vp09" + bytes([0x86]) + bytes([n]) * 300 for n in range(60)]
        client.media(9, configuration)
        for number, body in enumerate(sent):
            client.media(9, body, time=number * 33)
        stream = self.server.wait_live("enhanced")
        until(lambda: self.server.stream("enhanced")["framesVideo"] == len(sent), "all frames have come")
        stream = self.server.stream("enhanced")
        self.assertEqual(stream["video"]["codec"], "vp9")
        self.assertTrue(stream["video"]["codecString"].startswith("vp09."))
        client.close()
        received = [body for kind, _, body in media(recorder.wait()) if kind == 9 and body[0] & 15 != 0]
        self.assertEqual(received, sent)


if __name__ == "__main__":
    unittest.main()
