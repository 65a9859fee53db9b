"""A server that is killed under load, in the middle of recordings in every format: what it has said to be written is in
the files, and what is lost at the end is no more than what had not been handed to the disk.

A file's smallest part is a frame: fragmented MP4 has a fragment for each. What goes to the disk at once is 250 ms of
frames, or 256 KB of them, whichever is less: a crash of the process costs at most that."""

import functools
import json
import os
import pathlib
import signal
import subprocess
import unittest

import support
from record_test import RecordTest, decode_errors
from support import SCRATCH, Recorder, tool, until

FORMATS = {"fmp4": "mp4", "flv": "flv", "ts": "ts"}
STREAMS = ("a", "b", "c")
# Seconds of a stream that wait on its loop at most, and what the disk thread and a viewer's own way may take on a
# machine that is busy with all of this.
BATCH = 0.25
SLACK = 0.35


@functools.cache
def source():
    """4 Mbit/s: 256 KB are half a second."""
    path = pathlib.Path(SCRATCH.name) / "crash.flv"
    support.ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30:duration=6", "-f", "lavfi", "-i",
        "sine=sample_rate=44100:duration=6", "-vf", "noise=alls=60:allf=t", "-c:v", "libx264", "-preset", "ultrafast",
        "-g", "30", "-bf", "0", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "2M", "-pix_fmt", "yuv420p", "-c:a", "aac",
        "-f", "flv", path)
    return str(path)


def newest(path):
    """The time of a file's last picture, and how many it has."""
    done = subprocess.run(
        [tool("ffprobe"), "-v", "quiet", "-select_streams", "v", "-show_entries", "packet=dts_time", "-of", "json",
         path], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    times = [float(packet["dts_time"]) for packet in json.loads(done.stdout or "{}").get("packets", ())]
    return (max(times), len(times)) if times else (0, 0)


class CrashTest(RecordTest):
    def begin(self):
        """Streams of every format, each recorded, one of each watched."""
        self.publishers = [
            self.program(
                "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", source(),
                "-c", "copy", "-f", "flv", self.server.rtmp(name, app))
            for app in FORMATS for name in STREAMS]
        self.viewers = {
            app: Recorder(self, self.server.page(f"/{app}/a.{ending}")) for app, ending in FORMATS.items()}

    def recordings(self):
        return {(s["app"], s["name"]): s["recording"] for s in self.server.api("/api/v1/streams")["streams"]
                if s.get("recording")}

    def kill(self):
        """What was said to be written in the last answer before."""
        enough = len(FORMATS) * len(STREAMS)
        until(lambda: len(found := self.recordings()) == enough and all(r["seconds"] > 2 for r in found.values()),
              "everything is recorded")
        said = self.recordings()
        os.kill(self.server.program.process.pid, signal.SIGKILL)
        self.server.program.wait()
        for publisher in self.publishers:
            publisher.stop()
        for viewer in self.viewers.values():
            viewer.program.wait()
        return said

    def entries(self, app, name):
        path = self.root / app / name / "index.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def test_what_was_said_to_be_written_is_there_and_the_rest_is_less_than_a_batch(self):
        self.serve(*(f"apps.{form}.record.format={form}" for form in FORMATS))
        for number in range(3):
            self.begin()
            said = self.kill()
            sizes = {name: os.path.getsize(state["file"]) for name, state in said.items()}
            self.server.start_again()
            for (app, name), state in said.items():
                with self.subTest(round=number, app=app, name=name):
                    written = state["bytes"] - state["queued"]
                    self.assertGreater(written, 500_000)
                    self.assertGreaterEqual(sizes[app, name], written, state)
                    entries = until(
                        lambda: len(found := self.entries(app, name)) == number + 1 and found, "it is adopted")
                    self.assertEqual(entries[-1]["reason"], "recovered")
                    self.assertGreaterEqual(entries[-1]["bytes"], written, state)
                    path = self.root / app / name / entries[-1]["file"]
                    self.assertEqual(path.stat().st_size, entries[-1]["bytes"])
                    self.assertEqual(decode_errors(path), "")
                    if name == "a":
                        self.assert_close(path, self.viewers[app].path)

    def assert_close(self, path, seen):
        """A file ends where what a viewer had got until then ends, but for a batch."""
        (recorded, count), (shown, _) = newest(path), newest(seen)
        self.assertGreater(shown, 1)
        self.assertLess(shown - recorded, BATCH + SLACK)
        self.assertGreater(count, 40)


if __name__ == "__main__":
    unittest.main()
