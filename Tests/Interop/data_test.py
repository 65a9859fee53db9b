"""Splice information, timed ID3 and teletext: from the encoder through every node to who has a place for it, the same bytes
at the same distance to the pictures; and to all others nothing of it."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import support
import ts_data
import ts_splices
from hls_client import Client
from srt_test import CUT, SRTTest, srt_port
from support import Recorder, Server, ffmpeg, media, sample, tags, until
from ts_data import ID3_TYPE, PRIVATE_TYPE, SPLICE_TYPE, Found
from transport import pictures

# Writes a transport stream's packets when its clock says, seven at a time.
PACE = """
import sys, time
data, began, first = open(sys.argv[1], "rb").read(), time.monotonic(), None
for at in range(0, len(data), 1316):
    block = data[at:at + 1316]
    for start in range(0, len(block), 188):
        packet = block[start:start + 188]
        if packet[3] & 32 and packet[4] > 6 and packet[5] & 16:
            clock = int.from_bytes(packet[6:11], "big") >> 7
            first = clock if first is None else first
            time.sleep(max(0, (clock - first) / 90000 - (time.monotonic() - began)))
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
"""


class PacedTest(SRTTest):
    settings = (
        *SRTTest.settings, "hls.segment=1s", "hls.window=8s", "apps.packets.hls.form=ts", "publish.linger=500ms")

    def push(self, path, url):
        return self.program(
            "sh", "-c", f"{sys.executable} -c '{PACE}' {path} | {support.tool('srt-live-transmit')} -q -a:no file://con '{url}'")


class DataTest(PacedTest):
    def make(self, seconds=6):
        """A transport stream with data, in a file, and what was added."""
        plain, path = self.scratch(".ts"), self.scratch(".ts")
        ffmpeg("-i", sample(seconds=seconds), "-c", "copy", "-f", "mpegts", plain)
        data, added = ts_data.add(pathlib.Path(plain).read_bytes())
        pathlib.Path(path).write_bytes(data)
        self.assertGreater(len(added), 4 * seconds)
        return path, added

    def assert_data(self, added, received, times=True):
        """All that was added, but for what was over before the viewer's first picture or after its last."""
        found = Found(received)
        self.assertEqual([kind for kind, _, _ in found.units[:3]].count(SPLICE_TYPE), 1)
        same = lambda a, b: a[0] == b[0] and (
            ts_data.same_but_for_its_clock(a[2], b[2]) if a[0] == SPLICE_TYPE else a[2] == b[2])
        start = next(i for i, unit in enumerate(added) if same(unit, found.units[0]))
        self.assertLessEqual(start, 1)
        part = added[start:start + len(found.units)]
        self.assertGreaterEqual(len(part), len(added) - 5)
        for sent, got in zip(part, found.units, strict=True):
            self.assertTrue(same(sent, got), (sent, got))
        shifts = {(got[1] - sent[1]) % ts_data.CIRCLE for sent, got in zip(part, found.units) if sent[1] is not None}
        # Frames are rounded to a millisecond, and data with them.
        self.assertLessEqual(max(shifts) - min(shifts), 90)
        for sent, got in zip(part, found.units):
            self.assertEqual(sent[1] is None, got[1] is None)
            # Each was due with a picture, and is.
            if got[1] is not None and found.video[0] <= got[1] <= max(found.video):
                self.assertIn(got[1], found.video)
        self.assert_map(found)
        return found

    def assert_map(self, found):
        # Sound may be heard of after the first picture; data is told of from the start.
        for program, streams in found.maps:
            self.assertEqual(program, ts_data.CUEI + ts_data.POINTER)
            self.assertEqual([kind for _, kind, _ in streams[-3:]], [SPLICE_TYPE, ID3_TYPE, PRIVATE_TYPE])
        _, streams = found.map
        self.assertEqual([kind for _, kind, _ in streams], [0x1B, 0x0F, SPLICE_TYPE, ID3_TYPE, PRIVATE_TYPE])
        self.assertEqual([d for _, _, d in streams[2:]], [descriptors for _, _, descriptors in ts_data.TRACKS])

    def codecs(self, path):
        listing = subprocess.run(
            [support.tool("ffprobe"), "-v", "error", "-show_entries", "stream=codec_name", "-of", "json", path],
            stdout=subprocess.PIPE, check=True).stdout
        return sorted(stream["codec_name"] for stream in json.loads(listing)["streams"])

    def test_it_goes_through_to_transport_streams_and_nowhere_else(self):
        path, added = self.make()
        srt, http = self.watch(self.url("live/data")), Recorder(self, self.server.page("/live/data.ts"))
        flv, rtmp = Recorder(self, self.server.flv("data")), self.record(self.server.rtmp("data"))
        mp4 = Recorder(self, self.server.page("/live/data.mp4"))
        self.server.wait_viewers(5, "data")
        publisher = self.push(path, self.url("publish:live/data"))
        # srt-live-transmit stays when its input has ended.
        frames = len(pictures(path))
        until(lambda: (self.server.stream("data") or {}).get("framesVideo", 0) >= frames - 5, "nearly all has come")
        publisher.stop()
        for viewer in http, flv, mp4, srt, rtmp:
            viewer.wait()
        for viewer in srt, http:
            data = pathlib.Path(viewer.path).read_bytes()
            self.assert_packets(data)
            self.assert_data(added, data)
        self.assertEqual(self.codecs(http.path), ["aac", "dvb_teletext", "h264", "scte_35", "timed_id3"])
        self.assert_same(path, flv.path, cut=CUT)
        self.assertEqual([body for kind, _, body in tags(flv.data) if kind == 18], [])
        for received in flv.path, rtmp.path, mp4.path:
            self.assertEqual(self.codecs(received), ["aac", "h264"])
            self.assertGreater(len(pictures(received)), frames - 50)
        left_out = [line for line in self.server.log.splitlines() if "stream.left_out" in line]
        self.assertEqual([line.count("scte35,id3,teletext") for line in left_out], [1] * len(left_out), left_out)
        self.assertTrue(left_out, "operators are told")
        self.server.wait_gone("data")

    def test_what_ffmpeg_copies_comes_out_and_ffmpeg_reads_it(self):
        path, _ = self.make()
        # Of ID3 it leaves out the first bytes, and it knows no sections: what it copies into a file is what it sends.
        which = "-map", "0:v", "-map", "0:a", "-map", "0:d:1", "-map", "0:s"
        copied, player = self.scratch(".ts"), self.scratch(".data")
        ffmpeg("-i", path, *which, "-c", "copy", "-f", "mpegts", copied)
        added = Found(pathlib.Path(copied).read_bytes()).units
        viewer = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "warning", "-i", self.url("live/copied"), "-map", "0:d",
            "-c", "copy", "-f", "data", player)
        http = Recorder(self, self.server.page("/live/copied.ts"))
        self.server.wait_viewers(2, "copied")
        self.encode(path, self.url("publish:live/copied"), *which).succeed()
        found = Found(http.wait())
        viewer.wait()
        for kind in ID3_TYPE, PRIVATE_TYPE:
            sent, got = ([unit for k, _, unit in units if k == kind] for units in (added, found.units))
            self.assertGreater(len(got), len(sent) - 3)
            self.assertEqual(got, sent[sent.index(got[0]):][:len(got)])
        self.assertIn(b"PRIV", pathlib.Path(player).read_bytes())
        self.server.wait_gone("copied")

    def test_segments_of_hls_have_it(self):
        path, added = self.make(8)
        client = Client(self.server.page("/packets/hls/media.m3u8"))
        self.addCleanup(client.close)
        publisher = self.push(path, self.url("publish:packets/hls"))
        until(lambda: client.get().status == 200, "there is a playlist")
        frames = len(pictures(path))
        until(lambda: (self.server.stream("hls", "packets") or {}).get("framesVideo", 0) >= frames - 5, "nearly all has come")
        names = [line for line in client.get().text.splitlines() if line and not line.startswith("#")]
        segments = [client.get(name).body for name in names]
        publisher.stop()
        self.assertGreater(len(segments), 4)
        units = []
        for segment in segments:
            found = Found(segment)
            self.assert_map(found)
            self.assertGreater(len(found.units), 3)
            units += found.units
        got = [unit for kind, _, unit in units if kind != SPLICE_TYPE]
        sent = [unit for kind, _, unit in added if kind != SPLICE_TYPE]
        self.assertEqual(got, sent[sent.index(got[0]):][:len(got)])

    def test_it_goes_over_relay_links_and_is_recorded(self):
        path, added = self.make()
        folder = tempfile.mkdtemp(dir=support.SCRATCH.name)
        origin = Server(
            ("srt.listen=127.0.0.1:0", "publish.linger=0", "relay.hold=0", f"record.path={folder}", "record.format=ts"),
            node="origin")
        self.addCleanup(origin.stop)
        edge = Server((f"relay.parents={origin.relay}",), node="edge")
        self.addCleanup(edge.stop)
        http, flv = Recorder(self, edge.page("/live/far.ts")), Recorder(self, edge.flv("far"))
        publisher = self.push(path, f"srt://127.0.0.1:{srt_port(origin)}?streamid=publish:live/far")
        frames = len(pictures(path))
        until(lambda: (edge.stream("far") or {}).get("framesVideo", 0) >= frames - 5, "nearly all has come")
        publisher.stop()
        self.assert_data(added, http.wait())
        self.assertEqual([body for kind, _, body in tags(flv.wait()) if kind == 18], [])
        self.assertGreater(len(media(flv.data)), frames)
        edge.wait_gone("far")
        [recording] = until(lambda: list(pathlib.Path(folder).rglob("*.ts")), "there is a recording")
        self.assert_data(added, recording.read_bytes())


class SpliceTest(PacedTest):
    """SCTE 35 in all the shapes that sections come in, on two PIDs, the second of which a later map adds."""

    def test_sections_come_out_as_they_went_in_at_the_same_pictures(self):
        plain, path = self.scratch(".ts"), self.scratch(".ts")
        ffmpeg("-i", sample(seconds=6), "-c", "copy", "-f", "mpegts", plain)
        data, added = ts_splices.add(pathlib.Path(plain).read_bytes(), late=90)
        pathlib.Path(path).write_bytes(data)
        source = ts_splices.Found(data)
        self.assertEqual([source.sections(pid) for pid in ts_splices.PIDS], [added[pid] for pid in ts_splices.PIDS])
        srt, http = self.watch(self.url("live/splices")), Recorder(self, self.server.page("/live/splices.ts"))
        self.server.wait_viewers(2, "splices")
        publisher = self.push(path, self.url("publish:live/splices"))
        until(
            lambda: (self.server.stream("splices") or {}).get("framesVideo", 0) >= len(source.pictures) - 5,
            "nearly all has come")
        publisher.stop()
        http.wait()
        srt.wait()
        for viewer in srt, http:
            received = pathlib.Path(viewer.path).read_bytes()
            self.assert_packets(received)
            self.assert_splices(source, ts_splices.Found(received))
        self.server.wait_gone("splices")

    def assert_splices(self, source, found):
        kinds = [[(kind, descriptors) for _, kind, descriptors in streams if kind == SPLICE_TYPE]
                 for _, streams in found.maps]
        before, after = [(SPLICE_TYPE, b"")], [(SPLICE_TYPE, b""), (SPLICE_TYPE, ts_splices.CUE_IDENTIFIER)]
        self.assertEqual(kinds, [before, after])
        self.assertTrue(all(program == ts_data.CUEI for program, _ in found.maps))
        pids = [pid for pid, kind, _ in found.maps[-1][1] if kind == SPLICE_TYPE]
        for was, pid in zip(ts_splices.PIDS, pids, strict=True):
            sent, got = source.sections(was), found.sections(pid)
            self.assertGreater(len(got), len(sent) - 10)
            for (place, times, section), (new_place, new_times, new) in zip(sent, got):
                self.assertTrue(ts_data.same_but_for_its_clock(section, new), (section, new))
                # A picture is whole when the next begins: what came in the middle of it is behind the one before.
                self.assertLessEqual(abs(place - new_place), 1)
                pictures = [source.pictures.index(time) for time in times]
                self.assertEqual([found.pictures.index(time) for time in new_times], pictures)


if __name__ == "__main__":
    unittest.main()
