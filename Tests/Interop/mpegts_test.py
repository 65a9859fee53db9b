"""Streams as MPEG-TS over HTTP, with the programs that people watch them with: the same frames, at the same times."""

import pathlib
import unittest
import urllib.error
import urllib.request

import support
from rtmp_client import RTMPClient
from support import Recorder, packets, sample, until
from transport import TransportTest, codec, elementary, hevc_messages, hevc_sample, pictures


def ts(server, name="a", query=""):
    return server.page(f"/live/{name}.ts{query}")


class HTTPTest(TransportTest):
    def test_ffmpeg_receives_every_frame_of_h264_and_aac_at_its_time(self):
        original = sample()
        recorder = Recorder(self, ts(self.server))
        path = self.scratch(".ts")
        player = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "warning", "-i", ts(self.server), "-c", "copy",
            "-copyts", "-f", "mpegts", path)
        self.server.wait_viewers(2)
        self.assertEqual({s["protocol"] for s in self.server.sessions("play")}, {"http-ts"})
        self.publish(original).succeed()
        self.assert_packets(recorder.wait())
        player.succeed()
        for received in recorder.path, path:
            self.assertEqual(pictures(received), pictures(original))
            self.assertEqual(len(packets(received, "a")), len(packets(original, "a")))
        # Payload: the raw AAC frames, behind headers of 7 bytes, and the NAL units, but for what the muxer adds.
        self.assertEqual(self.raw_aac(elementary(recorder.path, "a")), self.flv_bodies(original, 8, 2))
        self.assertEqual(self.slices(elementary(recorder.path, "v")), self.flv_slices(original))
        self.assert_times(original, recorder.path)
        self.server.wait_gone()

    def test_viewers_that_join_late_start_at_a_keyframe_with_tables(self):
        original = sample(seconds=6)
        publisher = self.publish(original)
        until(lambda: (self.server.stream() or {}).get("framesVideo", 0) > 45, "a second keyframe has come")
        recorder = Recorder(self, ts(self.server))
        until(lambda: len(recorder.data) > 0, "the first bytes have come")
        other = Recorder(self, ts(self.server))
        publisher.succeed()
        data = recorder.wait()
        self.assert_packets(data)
        self.assertTrue(data.endswith(other.wait()[-len(data) // 4:]), "two viewers read one log")
        whole, part = pictures(original), pictures(recorder.path)
        self.assertGreater(len(part), 60)
        self.assertEqual(part, whole[-len(part):])
        sound = len(packets(original, "a")) - len(packets(recorder.path, "a"))
        self.assert_times(original, recorder.path, (len(whole) - len(part), sound))
        if keep := support.os.environ.get("SLUICE_KEEP_TS"):
            pathlib.Path(keep).write_bytes(data)
        self.server.wait_gone()

    def test_only_audio_and_only_video(self):
        original = sample()
        recorders = {kind: Recorder(self, ts(self.server, query=f"?only={kind}")) for kind in ("audio", "video")}
        self.server.wait_viewers(2)
        self.publish(original).succeed()
        for kind in recorders:
            data = recorders[kind].wait()
            self.assert_packets(data)
            path = recorders[kind].path
            self.assertEqual([support.has(path, k) for k in "va"], [kind == "video", kind == "audio"])
            self.assertEqual(len(packets(path, kind[0])), len(packets(original, kind[0])))
        self.server.wait_gone()

    def test_head_cors_and_bad_requests(self):
        def ask(path, method="GET", headers={}):
            request = urllib.request.Request(self.server.page(path), method=method, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=support.DEADLINE) as answer:
                    return answer.status, answer.headers
            except urllib.error.HTTPError as error:
                error.close()
                return error.code, error.headers
        publisher = self.publish(sample(), "head")
        self.server.wait_live("head")
        status, headers = ask("/live/head.ts", "HEAD")
        self.assertEqual((status, headers["Content-Type"]), (200, "video/mp2t"))
        self.assertEqual(headers["Access-Control-Allow-Origin"], "*")
        self.assertEqual(ask("/live/head.ts", "OPTIONS", {
            "Origin": "http://x", "Access-Control-Request-Method": "GET"})[0] // 100, 2)
        self.assertEqual(ask("/live/absent.ts", "HEAD")[0], 404)
        self.assertEqual(ask("/live/head.ts", "POST")[0], 405)
        self.assertEqual(ask("/live/head.ts?only=smell")[0], 400)
        self.assertEqual(ask("/nothing.ts")[0], 404)
        publisher.succeed()
        self.server.wait_gone("head")

    def test_gstreamer_decodes_it(self):
        original = sample()
        path = self.scratch(".yuv")
        player = self.program(
            "gst-launch-1.0", "-e", *(
                f"souphttpsrc location={ts(self.server)} ! tsdemux name=d d. ! queue ! h264parse ! avdec_h264"
                f" ! video/x-raw,format=I420 ! filesink location={path}"
                " d. ! queue ! aacparse ! avdec_aac ! fakesink sync=false").split())
        self.server.wait_viewers(1)
        self.publish(original).succeed()
        player.succeed()
        # The decoder may keep a picture or two when the stream ends without an end.
        count = pathlib.Path(path).stat().st_size / (320 * 180 * 3 // 2)
        self.assertGreaterEqual(count, len(packets(original, "v")) - 2)
        self.server.wait_gone()

    def test_vlc_plays_it(self):
        original = sample()
        player = self.vlc(ts(self.server))
        self.server.wait_viewers(1)
        self.publish(original).succeed()
        player.wait()
        # VLC's own output is cut off some tenths of a second before the end, in the middle of a group of pictures;
        # before that nothing is missing.
        whole, part = pictures(original), pictures(str(player.path))[:-3]
        self.assertGreater(len(part), len(whole) * 5 // 6, player)
        self.assertIn(part[0], whole)
        start = whole.index(part[0])
        self.assertEqual(part, whole[start:start + len(part)], player)
        self.assertGreater(len(packets(str(player.path), "a")), len(packets(original, "a")) * 5 // 6, player)
        self.server.wait_gone()


class EnhancedTest(TransportTest):
    """What the packaged ffmpeg does not publish is published by hand."""

    def test_h265_and_aac_come_frame_for_frame(self):
        path, messages = hevc_sample(), hevc_messages()
        recorder = Recorder(self, ts(self.server, "hevc"))
        self.server.wait_viewers(1, "hevc")
        client = RTMPClient(self.server.rtmp_port)
        self.assertEqual(client.publish("hevc"), "NetStream.Publish.Start")
        first = next(index for index, (kind, _, _) in enumerate(messages) if kind == 9 and index > 1) + 1
        for kind, time, body in messages[:first]:
            client.media(kind, body, time=time)
        until(lambda: recorder.data, "the viewer has the first picture")
        for kind, time, body in messages[first:]:
            client.media(kind, body, time=time)
        frames = len(messages) - 2
        until(lambda: sum((self.server.stream("hevc") or {}).get(k, 0) for k in ("framesVideo", "framesAudio"))
              >= frames, "all frames have come")
        client.close()
        self.assert_packets(recorder.wait())
        self.assertEqual(pictures(recorder.path), pictures(path))
        sent = [body[2:] for kind, _, body in messages[2:] if kind == 8]
        got = self.raw_aac(elementary(recorder.path, "a"))
        self.assertGreater(len(got), len(sent) - 10)
        self.assertEqual(got, sent[-len(got):], "sounds before the first picture are not for this viewer")
        self.assertEqual(codec(recorder.path).split()[0].strip(","), "hevc")
        self.assert_times(path, recorder.path, (0, len(sent) - len(got)))
        self.server.wait_gone("hevc")

    def test_codecs_without_a_place_are_left_out_or_refused(self):
        waiting = Recorder(self, ts(self.server, "vp9"))
        self.server.wait_viewers(1, "vp9")
        client = RTMPClient(self.server.rtmp_port)
        self.assertEqual(client.publish("vp9"), "NetStream.Publish.Start")
        client.media(9, b"\x90vp09" + bytes([1, 0, 0, 0, 0, 31, 0x82, 2, 2, 2, 0, 0]))
        for number in range(100):
            client.media(9, (b"\xa1" if number % 30 else b"\x91") + b"vp09" + bytes(100), time=number * 33)
        until(lambda: (self.server.stream("vp9") or {}).get("framesVideo") == 100, "all frames have come")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(ts(self.server, "vp9"), timeout=support.DEADLINE)
        text = refused.exception.read().decode()
        refused.exception.close()
        self.assertEqual(refused.exception.code, 406)
        self.assertIn("vp9", text)
        self.assertEqual(self.server.log.count("stream.left_out"), 1)
        self.assertEqual(waiting.wait(), b"", "who waited for it is let go")
        client.close()


if __name__ == "__main__":
    unittest.main()
