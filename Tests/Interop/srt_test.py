"""SRT, with the programs that people use: in and out of every other protocol, frame for frame; who is turned away and how."""

import json
import os
import pathlib
import re
import signal
import sys
import time
import unittest

import srt_client
import support
from rtmp_client import RTMPClient
from support import Recorder, Server, free_ports, kill, sample, until
from transport import TransportTest, codec, elementary, enhanced, hevc_messages, hevc_sample, pictures, probe


def srt_port(server):
    return int(re.search(r"srt=\[(\d+)\]", server.log).group(1))


# Frames of either kind within SRT's usual latency, and of the last packet of sounds.
CUT = 20


class SRTTest(TransportTest):
    settings = ("publish.linger=500ms", "srt.listen=127.0.0.1:0")

    @property
    def port(self):
        return srt_port(self.server)

    def url(self, stream_id, **options):
        query = "".join(f"&{key}={value}" for key, value in options.items())
        return f"srt://127.0.0.1:{self.port}?streamid={stream_id}{query}"

    def encode(self, original, url, *options, loop=False):
        endless = ("-stream_loop", "-1") if loop else ()
        return self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", *endless, "-i", original, "-c", "copy",
            *options, "-f", "mpegts", url)

    def watch(self, url):
        """The bytes of an SRT stream as they come, in a file."""
        path = self.scratch(".ts")
        program = self.program(
            "sh", "-c", f"exec {support.tool('srt-live-transmit')} -q -a:no '{url}' file://con > {path}")
        program.path = path
        return program

    def play(self, url):
        """ffmpeg that copies an SRT stream into a file."""
        path = self.scratch(".ts")
        program = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "warning", "-i", url, "-c", "copy", "-f", "mpegts",
            path)
        program.path = path
        return program

    # Frames and times.

    def assert_same(self, original, received, at_least=100, cut=0):
        """Frame for frame the same payload, at the same times but for one offset for all, to a millisecond. An encoder
        that ends takes what is still within SRT's latency with it: at most `cut` frames of each kind, and a part of the one
        before."""
        offsets = []
        for kind in "va":
            (whole, sent), (part, got) = self.track(original, kind), self.track(received, kind)
            self.assertGreater(len(part), at_least, kind)
            self.assertIn(part[0], whole)
            start = whole.index(part[0])
            last = whole[min(start + len(part), len(whole)) - 1]
            if cut and part[-1] != last and last.startswith(part[-1]):
                part, got = part[:-1], got[:-1]
            # By a word: a difference of megabytes takes minutes to print.
            self.assertTrue(part == whole[start:start + len(part)], f"{kind}: {len(part)} frames from {start} on")
            self.assertLessEqual(len(whole) - start - len(part), cut, kind)
            self.assertEqual(len(got), len(part), kind)
            offsets += [b[i] - a[i] for a, b in zip(sent[start:], got) for i in (0, 1)]
        # To a millisecond, and a tick of 90 kHz.
        self.assertLessEqual(max(offsets) - min(offsets), 1.012)

    def track(self, path, kind):
        """The payloads of a track's frames, and their times."""
        if path.endswith(".flv") and enhanced(path)["v"]:
            units = enhanced(path)[kind]
            return [payload for payload, _ in units], [times for _, times in units]
        return self.pictures_of(path) if kind == "v" else self.sounds_of(path), probe(path, kind)

    def pictures_of(self, path):
        is_slice = (lambda unit: unit[0] >> 1 < 32) if "hevc" in codec(path) else (lambda unit: 1 <= unit[0] & 31 <= 5)
        return self.slices(elementary(path, "v"), is_slice)

    def sounds_of(self, path):
        return self.raw_aac(elementary(path, "a"))


class InAndOutTest(SRTTest):
    def test_in_by_srt_and_out_by_all(self):
        original = sample()
        flv = Recorder(self, self.server.flv("in"))
        rtmp = self.record(self.server.rtmp("in"))
        srt = self.watch(self.url("live/in"))
        player = self.play(self.url("live/in"))
        self.server.wait_viewers(4, "in")
        self.encode(original, self.url("#!::r=live/in,m=publish,u=somebody")).succeed()
        flv.wait()
        for viewer in rtmp, srt, player:
            viewer.wait()
        for path in flv.path, rtmp.path, srt.path:
            self.assert_same(original, path, cut=CUT)
        self.assertGreater(len(pictures(player.path)), 100)
        self.server.wait_gone("in")

    def dump(self, name):
        """rtmpdump, which takes whatever codec comes."""
        path = self.scratch(".flv")
        program = self.program("rtmpdump", "--live", "--quiet", "-r", self.server.rtmp(name), "-o", path)
        program.path = path
        return program

    def test_h265_goes_in_by_srt_and_out_by_all(self):
        original = hevc_sample()
        flv, rtmp, srt = Recorder(self, self.server.flv("hevc")), self.dump("hevc"), self.watch(self.url("live/hevc"))
        self.server.wait_viewers(3, "hevc")
        self.encode(original, self.url("publish:live/hevc")).succeed()
        for viewer in flv, rtmp, srt:
            viewer.wait()
            self.assert_same(original, viewer.path, 70, cut=CUT)
        self.server.wait_gone("hevc")

    def test_h265_goes_in_by_enhanced_rtmp_and_out_by_all(self):
        original = hevc_sample()
        # Time enough for a machine that does other things, too: what is late is lost.
        flv, rtmp, srt = Recorder(self, self.server.flv("e")), self.dump("e"), self.watch(self.url("live/e", latency=800))
        player = self.play(self.url("live/e", latency=800_000))
        self.server.wait_viewers(4, "e")
        client = RTMPClient(self.server.rtmp_port)
        self.assertEqual(client.publish("e"), "NetStream.Publish.Start")
        began = time.monotonic()
        for kind, due, body in hevc_messages():
            # As an encoder does: SRT gives up what it cannot send in time.
            time.sleep(max(0, due / 1000 - (time.monotonic() - began)))
            client.media(kind, body, time=due)
        frames = len(hevc_messages()) - 2
        until(lambda: sum((self.server.stream("e") or {}).get(k, 0) for k in ("framesVideo", "framesAudio")) >= frames,
              "all frames have come")
        client.close()
        for viewer in flv, rtmp, srt:
            viewer.wait()
            with self.subTest(viewer.path):
                self.assert_same(original, viewer.path, 70, cut=CUT)
        player.wait()
        self.assertGreater(len(pictures(player.path)), 60)
        self.server.wait_gone("e")

    def test_out_by_srt_what_came_by_rtmp(self):
        original = sample()
        early = self.watch(self.url("#!::r=live/out,m=request"))
        self.server.wait_viewers(1, "out")
        publisher = self.publish(original, "out")
        until(lambda: (self.server.stream("out") or {}).get("framesVideo", 0) > 35, "a second keyframe has come")
        late = self.watch(self.url("live/out"))
        publisher.succeed()
        for viewer, count in (early, 100), (late, 25):
            viewer.wait()
            self.assert_same(original, viewer.path, count)
        self.server.wait_gone("out")

    def test_a_clock_that_rolls_over_in_the_middle_goes_on(self):
        # 2^33 ticks of 90 kHz are 95,443.7 s.
        original = sample()
        flv, srt = Recorder(self, self.server.flv("turn")), self.watch(self.url("live/turn"))
        self.server.wait_viewers(2, "turn")
        self.encode(original, self.url("publish:live/turn"), "-output_ts_offset", "95442").succeed()
        flv.wait()
        srt.wait()
        for path in flv.path, srt.path:
            self.assert_same(original, path, cut=CUT)
        self.server.wait_gone("turn")

    def test_srt_live_transmit_publishes(self):
        original = sample()
        srt = self.watch(self.url("live/lt"))
        self.server.wait_viewers(1, "lt")
        publisher = self.program(
            "sh", "-c",
            f"{support.tool('ffmpeg')} -nostdin -loglevel error -re -i {original} -c copy -f mpegts -"
            f" | {support.tool('srt-live-transmit')} -q -a:no file://con"
            f" 'srt://127.0.0.1:{self.port}?streamid=publish:live/lt'")
        until(lambda: (self.server.stream("lt") or {}).get("framesVideo", 0) >= 115, "nearly all of it has come")
        # It stays when its input has ended.
        publisher.stop()
        srt.wait()
        self.assert_same(original, srt.path, cut=CUT)

    def test_gstreamer_both_ways(self):
        original = sample()
        out = self.scratch(".ts")
        player = self.program(
            "gst-launch-1.0", "-e", "srtsrc", f"uri={self.gst('live/gst', 'request')}", "!", "filesink", f"location={out}",
            "buffer-mode=unbuffered")
        self.server.wait_viewers(1, "gst")
        self.program(
            "gst-launch-1.0", "-e", "filesrc", f"location={original}", *(
                "! flvdemux name=d d.video ! queue ! h264parse config-interval=-1 ! identity sync=true"
                " ! mpegtsmux name=m alignment=7 d.audio ! queue ! aacparse ! m. m. ! srtsink sync=false".split()),
            f"uri={self.gst('live/gst', 'publish')}")
        self.server.wait_live("gst")
        self.server.wait_gone("gst")
        player.stop()
        # Its multiplexer is another one, but pictures are pictures.
        whole, part = self.pictures_of(original), self.pictures_of(out)
        self.assertGreater(len(part), 80)
        start = whole.index(part[0])
        self.assertEqual(part, whole[start:start + len(part)])

    def gst(self, name, mode):
        return f"srt://127.0.0.1:{self.port}?mode=caller&streamid=%23!::r={name},m={mode}"


class CallerTest(SRTTest):
    """The server as the caller: listeners of others are where streams come from and go to."""

    def start(self, *settings):
        server = Server((*self.settings, *settings))
        self.addCleanup(server.stop)
        return server

    def test_a_stream_is_fetched_from_a_listener_again_and_again(self):
        port = free_ports(1)[0]
        server = self.start(f"apps.live/fetched.srt.pull=srt://127.0.0.1:{port}?latency=80")
        viewer = Recorder(self, server.flv("fetched"))
        original = sample()
        self.encode(original, f"srt://127.0.0.1:{port}?mode=listener").succeed(60)
        self.assert_same(original, self.file(viewer.wait()), 60, cut=CUT)
        self.assertIn("srt.pull_failed", server.log)
        server.wait_gone("fetched")
        again = Recorder(self, server.flv("fetched"))
        self.encode(original, f"srt://127.0.0.1:{port}?mode=listener").succeed(60)
        self.assert_same(original, self.file(again.wait()), 60, cut=CUT)

    def file(self, data):
        path = self.scratch(".flv")
        pathlib.Path(path).write_bytes(data)
        return path

    def test_a_stream_is_sent_to_a_listener(self):
        port = free_ports(1)[0]
        server = self.start(f"apps.live.srt.push=srt://127.0.0.1:{port}?streamid=#!::r={{app}}/{{stream}},m=publish")
        listener = self.watch(f"srt://127.0.0.1:{port}?mode=listener")
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-stream_loop", "1", "-i", sample(),
            "-c", "copy", "-f", "flv", server.rtmp("sent"))
        [session] = until(lambda: server.sessions("play", "sent"), "it is sent")
        self.assertTrue(session["agent"].startswith("push srt://"), session)
        listener.wait(60)
        self.assertGreater(len(pictures(listener.path)), 100)


class DoorTest(SRTTest):
    """Who is turned away, with which code, and what the operator reads."""

    settings = (
        "srt.listen=127.0.0.1:0", "play.wait=0", "srt.latency_max=500ms", "apps.few.limits.app_viewers=1",
        "apps.secret/one.srt.key_length=256", "publish.linger=500ms")

    @classmethod
    def setUpClass(cls):
        scratch = pathlib.Path(support.SCRATCH.name)
        for name in "app", "one":
            (scratch / f"passphrase-{name}").write_text(f"the-passphrase-of-{name}\n")
        cls.settings += (
            f"apps.secret.srt.passphrase_file={scratch}/passphrase-app",
            f"apps.secret/one.srt.passphrase_file={scratch}/passphrase-one")
        super().setUpClass()

    def assert_refused(self, code, *call, log):
        self.assertEqual(srt_client.call(self.port, *call), code)
        until(lambda: re.search(f"srt.refused.*{log}.*code={code}", self.server.log), f"the log tells of {log}")

    def test_each_refusal_has_its_code_and_its_line(self):
        self.assert_refused(1400, "#!::x", log="stream id")
        self.assert_refused(1405, "#!::r=live/a,m=bidirectional", log="send m=publish or m=request")
        self.assert_refused(1404, "#!::r=live/nothing,m=request", log="nobody publishes live/nothing")

    def test_a_wrong_passphrase_is_told_from_a_missing_one(self):
        wrong, missing = 10, 11
        one = "#!::r=secret/one,m=publish"
        self.assertEqual(srt_client.call(self.port, one, "the-passphrase-of-one"), srt_client.ACCEPTED)
        self.assert_refused(wrong, one, "the-passphrase-of-app", log="set the same passphrase")
        self.assert_refused(missing, one, log="set a passphrase on both sides")
        self.assert_refused(missing, "#!::r=live/open,m=publish", "the-passphrase-of-one", log="set a passphrase on both")
        self.assertGreaterEqual(self.server.errors()["srt_wrong_passphrase"], 1)

    def test_encrypted_streams_play_with_their_passphrase(self):
        for name, phrase, length in ("one", "the-passphrase-of-one", 32), ("other", "the-passphrase-of-app", 16):
            secret = {"passphrase": phrase, "pbkeylen": length}
            publisher = self.encode(sample(), self.url(f"publish:secret/{name}", **secret), loop=True)
            # Not the stream alone: what another test has called for lingers.
            until(lambda: self.server.sessions("publish", name), "it is live")
            viewer = self.play(self.url(f"secret/{name}", **secret))
            until(lambda: self.server.sessions("play", name), "it is watched")
            for session in self.server.sessions(name=name):
                self.assertTrue(session["srt"]["encrypted"], session)
            until(lambda: os.path.getsize(viewer.path) > 200_000, "two seconds of it have come")
            publisher.stop()
            viewer.wait()
            self.assertGreater(len(pictures(viewer.path)), 20)

    def test_a_full_application_says_overload(self):
        publisher = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-i", sample(), "-c", "copy", "-f", "flv",
            self.server.rtmp("a", app="few"))
        until(lambda: self.server.stream("a", "few"), "it is live")
        viewer = self.watch(self.url("few/a"))
        self.server.wait_viewers(1, "a")
        self.assert_refused(1402, "#!::r=few/a,m=request", log="limits.app_viewers")
        publisher.succeed()
        viewer.wait()

    def test_a_busy_name_says_conflict(self):
        publisher = self.publish(sample(), "busy")
        self.server.wait_live("busy")
        # The same address would be the same publisher: a stranger calls from another one.
        code = srt_client.call(self.port, "publish:live/busy", source="127.0.0.9")
        self.assertEqual(code, 1409)
        until(lambda: re.search("srt.refused.*live/busy is being published from 127.0.0.1.*code=1409", self.server.log),
              "the conflict is told")
        publisher.succeed()
        self.server.wait_gone("busy")

    def test_who_wants_too_much_latency_is_ended_with_the_reason(self):
        self.assertEqual(srt_client.call(self.port, "publish:live/slow", None, 2000), srt_client.ACCEPTED)
        until(lambda: "srt.latency_max allows 500; lower it there" in self.server.log, "the log tells of the latency")

    def test_what_is_no_transport_stream_ends_that_session_alone(self):
        publisher = self.encode(sample(), self.url("publish:live/good"))
        self.server.wait_live("good")
        srt_client.push(self.port, "publish:live/junk", os.urandom(1316))
        until(lambda: self.server.errors().get("ts_no_sync"), "it is counted")
        self.assertIn("set the encoder's format to MPEG-TS", self.server.log)
        publisher.succeed()
        self.server.wait_gone("good")


class BadNetworkTest(SRTTest):
    settings = ("publish.linger=500ms", "srt.listen=127.0.0.1:0")

    def network(self, seed):
        """A link with a round trip of 80 ms that loses one datagram in twenty each way."""
        program = self.program(
            sys.executable, support.ROOT / "tools/lossy", "127.0.0.1:0", f"127.0.0.1:{self.port}", "--loss", "5", "--delay",
            "40", "--jitter", "10", "--reorder", "1", "--duplicate", "1", "--seed", seed)
        port = until(lambda: re.search(r"listening on [^ ]*:(\d+)", program.output), "the bad network is there").group(1)
        return program, port

    @staticmethod
    def counts(network):
        network.signal(signal.SIGTERM)
        network.wait()
        return json.loads(network.output.splitlines()[-1])

    def test_a_bad_link_loses_no_frame_and_the_statistics_say_how_bad_it_was(self):
        (inward, entry), (outward, exit) = self.network(7), self.network(8)
        original = sample(seconds=10)
        inside = Recorder(self, self.server.flv("far"))
        outside = self.watch(f"srt://127.0.0.1:{exit}?streamid=live/far&latency=400")
        self.server.wait_viewers(2, "far")
        publisher = self.encode(original, f"srt://127.0.0.1:{entry}?streamid=publish:live/far&latency=400000")
        last = {}

        def is_over():
            last.update({s["role"]: s["srt"] for s in self.server.sessions(name="far") if s["srt"]})
            return publisher.is_over
        until(is_over, "the encoder is through", 60)
        publisher.succeed()
        inside.wait()
        outside.wait()
        for path in inside.path, outside.path:
            self.assert_same(original, path, 250, cut=2 * CUT)
        for session in last.values():
            self.assertEqual((session["droppedReceived"], session["droppedSent"]), (0, 0))
            self.assertEqual(session["latencyMs"], 400)
            self.assertGreater(session["rttMs"], 60)
        # What SRT found missing is what the network lost, some of it again, and what came late for being overtaken.
        lost, found = self.counts(inward)["to_target"], last["publish"]["lostReceived"]
        self.assertTrue(lost["dropped"] * 0.5 < found < (lost["dropped"] + lost["reordered"]) * 1.5, (lost, found))
        metrics = self.server.api("/metrics", raw=True)
        total = int(re.search(r'srt_lost_packets_total{direction="in"} (\d+)', metrics).group(1))
        self.assertGreaterEqual(total, found, "what ended sessions have lost still counts")
        lost, found = self.counts(outward)["from_target"], last["play"]["retransmitted"]
        self.assertTrue(lost["dropped"] * 0.5 < found < (lost["dropped"] + lost["reordered"]) * 2, (lost, found))
        self.server.wait_gone("far")


class BackupTest(SRTTest):
    """Two encoders of one stream, each with its rank, at one node."""

    def frames(self, name):
        return (self.server.stream(name) or {}).get("framesVideo", 0)

    def test_the_second_takes_over_and_the_first_takes_it_back(self):
        looped = sample(seconds=20)
        viewer = Recorder(self, self.server.flv("pair"))
        first = self.encode(looped, self.url("#!::r=live/pair,m=publish,priority=2"))
        self.server.wait_live("pair")
        second = self.encode(looped, self.url("#!::r=live/pair,m=publish,priority=1"))
        until(lambda: "publish.standby" in self.server.log, "the second waits")
        before = self.frames("pair")
        kill(first)
        until(lambda: self.server.log.count("publish.start") == 2, "the second publishes")
        until(lambda: self.frames("pair") > 40, "its frames come")
        third = self.encode(sample(seconds=4), self.url("#!::r=live/pair,m=publish,priority=2"))
        until(lambda: self.server.log.count("publish.start") == 3, "the first is back")
        self.assertFalse(second.is_over, "the second waits again")
        third.succeed()
        until(lambda: self.server.log.count("publish.start") == 4, "the second publishes again")
        second.stop()
        frames = [time for kind, time, _ in support.media(viewer.wait()) if kind == 9]
        self.assertEqual(frames, sorted(frames))
        self.assertGreater(len(frames), before + 40)


if __name__ == "__main__":
    unittest.main()
