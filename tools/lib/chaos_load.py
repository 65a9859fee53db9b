"""What tools/chaos puts on the cluster: encoders, viewers on every edge, and the interval lines they report.

All times are of CLOCK_MONOTONIC, which the load generator and Python share.
"""

import collections
import json
import pathlib
import subprocess
import threading
import time

from cluster_process import ClusterError, cpu_seconds, die_with_parent, until

FPS = 25
# How often the load generator reports: what a recovery is told to within.
INTERVAL = 0.25
# Viewers and encoders that were disconnected wait for so long.
RECONNECT = 0.5
# Intervals kept: an hour of them.
MAX_INTERVALS = 4 * 3600
SAMPLE_SECONDS = 20
# A viewer without a picture for so long is not being served: five pictures.
QUIET_MS = 5 * 1000 / FPS


def make_sample(folder):
    """A film that costs next to nothing to carry: 320x180 at 25 pictures a second, a keyframe a second."""
    path = pathlib.Path(folder) / "sample.flv"
    command = [
        "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "error",
        "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={FPS}:duration={SAMPLE_SECONDS}",
        "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={SAMPLE_SECONDS}",
        "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", str(FPS), "-pix_fmt", "yuv420p",
        "-b:v", "100k", "-maxrate", "100k", "-bufsize", "100k", "-c:a", "aac", "-b:a", "32k", "-f", "flv", str(path)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise ClusterError(f"ffmpeg makes no sample: {done.stdout.decode(errors='replace').strip()}")
    return path


class Load:
    def __init__(self, binary, sample, ingests, edges, streams, per_edge):
        self.edges = edges
        self.streams = streams
        self.viewers = per_edge * len(edges)
        self.command = [
            binary, "both", "--file", str(sample), "--streams", str(streams), "--viewers", str(self.viewers),
            "--lead", "1", "--warmup", "1", "--connect-rate", "200", "--seconds", "86400", "--quiet", "--json",
            "--report-every", str(INTERVAL), "--each-viewer", "--reconnect", str(RECONNECT)]
        for node in ingests:
            self.command += ["--publish-url", node.url("rtmp", "/live/s")]
        for node in edges:
            self.command += ["--url", node.url("http", "/live/s")]
        self.intervals = collections.deque(maxlen=MAX_INTERVALS)
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, preexec_fn=die_with_parent)
        threading.Thread(target=self.read, daemon=True).start()
        until(lambda: self.intervals or self.process.poll() is not None, "viewers play", 40)
        self.check()

    def read(self):
        for line in self.process.stdout:
            if line.startswith(b"{"):
                entry = json.loads(line)
                if entry.get("kind") == "interval":
                    self.intervals.append(entry)

    def check(self):
        if self.process.poll() is not None:
            words = self.process.stderr.read().decode(errors="replace").strip()
            raise ClusterError(f"the load generator has ended with {self.process.returncode}: {words}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def name(self, stream):
        return "s" if self.streams == 1 else f"s{stream}"

    def seat(self, viewer):
        """The edge and the stream's name of a viewer: as the load generator seats them."""
        return self.edges[viewer % len(self.edges)], self.name(viewer // len(self.edges) % self.streams)

    def between(self, start, end):
        """The intervals that touch a span of time."""
        return [each for each in list(self.intervals) if each["until_s"] > start and each["from_s"] < end]

    def is_quiet(self, since):
        """Whether some whole interval after `since` went by with every viewer and every encoder served."""
        last = self.intervals[-1] if self.intervals else None
        return bool(
            last and last["from_s"] >= since and last["playing"] == self.viewers and last["lost"] == 0
            and last["longest_stall_ms"] < QUIET_MS and last["publishing"] == self.streams)

    def await_past(self, moment, seconds=10):
        """Waits until the intervals have caught up with `moment`."""
        until(lambda: self.intervals and self.intervals[-1]["until_s"] > moment, "the load generator reports", seconds)

    def cpu(self):
        return cpu_seconds(self.process.pid) if self.process and self.process.poll() is None else 0


def now():
    return time.monotonic()
