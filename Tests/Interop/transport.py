"""What tests of MPEG-TS share: its packets, pictures and times, and a sample in H.265."""

import functools
import json
import pathlib
import struct
import subprocess
import tempfile

import support
from support import ServerTest, ffmpeg, kept, media


def probe(path, kind):
    """Of each packet: presentation and decoding time in milliseconds, in the order of decoding."""
    listing = subprocess.run(
        [support.tool("ffprobe"), "-v", "error", "-select_streams", kind, "-show_entries", "packet=pts_time,dts_time",
         "-of", "csv=p=0", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    rows = [line.strip().strip(",").split(",") for line in listing.splitlines() if line.strip()]
    return [(float(row[0]) * 1000, float(row[1]) * 1000) for row in rows]


def pictures(path):
    """Checksums of the decoded pictures."""
    lines = ffmpeg("-i", path, "-map", "0:v", "-f", "framemd5", "-").splitlines()
    return [line.split(",")[-1].strip() for line in lines if line and not line.startswith("#")]


def annex_b_units(data):
    """The NAL units of a byte stream."""
    parts = data.split(b"\0\0\1")[1:]
    return [part.rstrip(b"\0") if index + 1 < len(parts) else part for index, part in enumerate(parts)]


def elementary(path, kind):
    """The bytes of one elementary stream as it lies in the file: Annex B video, or ADTS audio."""
    form = {"v": "h264", "a": "adts"}[kind]
    if kind == "v" and "hevc" in codec(path):
        form = "hevc"
    # Not beside the file: samples are other processes', too.
    with tempfile.TemporaryDirectory(dir=support.SCRATCH.name) as folder:
        out = pathlib.Path(folder) / "track"
        ffmpeg("-i", path, "-map", f"0:{kind}", "-c", "copy", "-f", form, out)
        return out.read_bytes()


def codec(path):
    return subprocess.run(
        [support.tool("ffprobe"), "-v", "error", "-select_streams", "v", "-show_entries", "stream=codec_name", "-of",
         "csv=p=0", path], stdout=subprocess.PIPE, check=True).stdout.decode()


def hevc_sample():
    """An MP4 file with H.265 and AAC."""
    return kept("hevc.mp4", lambda path: ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=3", "-f", "lavfi", "-i",
        "sine=frequency=440:sample_rate=44100:duration=3", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
        "keyint=30:bframes=2:log-level=none", "-pix_fmt", "yuv420p", "-tag:v", "hvc1", "-c:a", "aac", path))


@functools.cache
def hevc_messages():
    """That file as an encoder of Enhanced RTMP sends it: kind, time and body."""
    path = hevc_sample()
    data = pathlib.Path(path).read_bytes()
    at = data.index(b"hvcC") - 4
    record = data[at + 8:at + int.from_bytes(data[at:at + 4], "big")]
    rows = []
    for kind in "va":
        listing = subprocess.run(
            [support.tool("ffprobe"), "-v", "error", "-select_streams", kind, "-show_entries",
             "packet=pts_time,dts_time,size,pos,flags", "-of", "json", path],
            stdout=subprocess.PIPE, check=True).stdout
        for packet in json.loads(listing)["packets"]:
            pts, dts = (round(float(packet[k]) * 1000) for k in ("pts_time", "dts_time"))
            body = data[int(packet["pos"]):int(packet["pos"]) + int(packet["size"])]
            rows.append((dts + 100, pts - dts, kind, "K" in packet["flags"], body))
    rows.sort(key=lambda row: row[0])
    messages = [(9, 0, b"\x90hvc1" + record), (8, 0, b"\xaf\0\x12\x08")]
    for time, shift, kind, key, body in rows:
        if kind == "a":
            messages.append((8, time, b"\xaf\1" + body))
        else:
            messages.append((9, time, (b"\x91" if key else b"\xa1") + b"hvc1" + struct.pack(">i", shift)[1:] + body))
    return messages


def enhanced(path):
    """An FLV file with H.265, which the packaged ffmpeg does not read: of pictures their slices, and of sounds their bytes,
    and of both the times."""
    found = {"v": [], "a": []}
    for kind, time, body in media(pathlib.Path(path).read_bytes()):
        if kind == 8:
            found["a"].append((body[2:], (time, time)))
        elif body[1:5] == b"hvc1" and body[0] & 15 in (1, 3):
            # Coded frames with a composition time of three bytes, or without one.
            at, shift = (8, int.from_bytes(body[5:8], "big", signed=True)) if body[0] & 15 == 1 else (5, 0)
            while at < len(body):
                size = int.from_bytes(body[at:at + 4], "big")
                if body[at + 4] >> 1 < 32:
                    found["v"].append((body[at + 4:at + 4 + size].rstrip(b"\0"), (time + shift, time)))
                at += 4 + size
    return found


class TransportTest(ServerTest):
    settings = ("publish.linger=500ms",)

    def assert_packets(self, data):
        """Whole packets from the tables on, no counter of which is missing."""
        self.assertEqual(len(data) % 188, 0)
        self.assertEqual([data[at + 1:at + 3] for at in (0, 188)], [b"\x40\0", b"\x50\0"], "PAT and PMT come first")
        last = {}
        for at in range(0, len(data), 188):
            self.assertEqual(data[at], 0x47)
            pid, counter = int.from_bytes(data[at + 1:at + 3], "big") & 0x1FFF, data[at + 3] & 15
            if data[at + 3] & 0x10:
                if pid in last:
                    self.assertEqual(counter, last[pid] + 1 & 15, f"the counter of PID {pid} at {at}")
                last[pid] = counter

    def assert_times(self, original, received, first=(0, 0)):
        """One offset for all packets, to a millisecond; `first` is how many the viewer came too late for."""
        offsets = []
        for kind, missed in zip("va", first):
            sent, got = probe(original, kind)[missed:], probe(received, kind)
            self.assertEqual(len(got), len(sent))
            offsets += [b[i] - a[i] for a, b in zip(sent, got) for i in (0, 1)]
        self.assertLessEqual(max(offsets) - min(offsets), 1.001)

    @staticmethod
    def flv_bodies(path, kind, head):
        return [body[head:] for k, _, body in media(pathlib.Path(path).read_bytes()) if k == kind]

    @staticmethod
    def raw_aac(data):
        frames, at = [], 0
        while at < len(data):
            size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
            frames.append(data[at + 7:at + size])
            at += size
        return frames

    @staticmethod
    def slices(data, is_slice=lambda unit: 1 <= unit[0] & 31 <= 5):
        return [unit for unit in annex_b_units(data) if is_slice(unit)]

    def flv_slices(self, path, is_slice=lambda unit: 1 <= unit[0] & 31 <= 5):
        units = []
        for body in self.flv_bodies(path, 9, 5):
            at = 0
            while at < len(body):
                size = int.from_bytes(body[at:at + 4], "big")
                # As Annex B readers see it: zeros at the end of a unit are none of it.
                units.append(body[at + 4:at + 4 + size].rstrip(b"\0"))
                at += 4 + size
        return [unit for unit in units if is_slice(unit)]
