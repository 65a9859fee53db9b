"""What the interop tests share: the server under test, programs that end with their test, and samples of media.

Nothing here waits for a length of time: `until` polls a condition against a deadline, and says which one it missed.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from ports import free_ports

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SLUICE", str(ROOT / ".build/release/sluice"))
OPTIONAL = os.environ.get("SLUICE_INTEROP_OPTIONAL") == "1"
SCRATCH = tempfile.TemporaryDirectory(prefix="sluice-interop-")
# Where samples are kept: several processes share them, if whoever starts these says so.
SAMPLES = pathlib.Path(os.environ.get("SLUICE_SAMPLES", SCRATCH.name))

# How long a condition may take: generous, for a slow machine costs patience and not a failure.
DEADLINE = 20


def until(condition, what, seconds=DEADLINE):
    """The first true value of `condition`."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def tool(name):
    """The path of a program. A missing one fails the test, unless whoever runs it has said that they know."""
    for place in (shutil.which(name), f"/usr/sbin/{name}"):
        if place and os.path.exists(place):
            return place
    if OPTIONAL:
        raise unittest.SkipTest(f"{name} is not installed")
    raise AssertionError(f"{name} is not installed; tools/test interop installs it")


class Program:
    """A child process whose output is kept in a file."""

    def __init__(self, *command):
        self.command = [str(part) for part in command]
        self.file = tempfile.NamedTemporaryFile(dir=SCRATCH.name, suffix=".log", delete=False)
        # In a group of its own, so that a shell takes along what it has started.
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self.file, stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def output(self):
        return pathlib.Path(self.file.name).read_text(errors="replace")

    @property
    def is_over(self):
        return self.process.poll() is not None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=DEADLINE):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s: {self}") from None

    def succeed(self, seconds=DEADLINE):
        if status := self.wait(seconds):
            raise AssertionError(f"ended with {status}: {self}")
        return self

    def stop(self):
        """Ends the program for good, whatever it is doing."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.file.close()

    def __str__(self):
        return " ".join(self.command) + "\n" + self.output[-4000:]


class Server:
    """A running server on ports of its own."""

    def __init__(self, settings=(), node=None):
        self.node = node
        if not os.path.exists(BINARY):
            raise AssertionError(f"no server at {BINARY}; build it, or say where it is in SLUICE")
        # A port found free can be gone a moment later: another try takes others.
        for attempt in range(3):
            self.rtmp_port, self.http_port, self.api_port, self.relay_port = free_ports(4)
            self.program = Program(BINARY, "serve", *self.arguments(settings))
            until(lambda: self.program.is_over or self.is_ready, "the server is ready")
            if not self.program.is_over:
                return
        raise AssertionError(f"the server does not start: {self.program}")

    def arguments(self, settings):
        yield from ("--set", "threads=2")
        if self.node:
            yield from ("--set", f"node.id={self.node}", "--set", f"relay.listen=127.0.0.1:{self.relay_port}")
        for name, port in ("rtmp", self.rtmp_port), ("http", self.http_port), ("api", self.api_port):
            yield from ("--set", f"{name}.listen=127.0.0.1:{port}")
        for setting in settings:
            yield from ("--set", setting)

    @property
    def is_ready(self):
        try:
            return self.api("/readyz", raw=True) is not None
        except OSError:
            return False

    @property
    def log(self):
        return self.program.output

    def stop(self):
        self.program.stop()

    def start_again(self, settings=()):
        """The same node, on the same ports."""
        self.program.stop()
        self.program = Program(*self.program.command)
        until(lambda: self.program.is_over or self.is_ready, "the server is ready again")

    # Where things are.

    @property
    def relay(self):
        return f"127.0.0.1:{self.relay_port}"

    def rtmp(self, name="a", app="live"):
        return f"rtmp://127.0.0.1:{self.rtmp_port}/{app}/{name}"

    def flv(self, name="a", query=""):
        return f"http://127.0.0.1:{self.http_port}/live/{name}.flv{query}"

    def page(self, path="/"):
        return f"http://127.0.0.1:{self.http_port}{path}"

    # What it says of itself.

    def api(self, path, method="GET", raw=False):
        """The answer, or None for a 404."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.api_port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            raise
        return body.decode() if raw or not body else json.loads(body)

    def stream(self, name="a", app="live"):
        return self.api(f"/api/v1/streams/{app}/{name}")

    def sessions(self, role=None, name=None):
        found = self.api("/api/v1/sessions")["sessions"]
        return [s for s in found if role in (None, s["role"]) and name in (None, s["stream"])]

    def errors(self):
        return self.api("/api/v1/node")["errors"]

    def wait_live(self, name="a"):
        """The stream, once it has a publisher and its first frames."""
        def live():
            stream = self.stream(name)
            frames = stream and stream["framesVideo"] + stream["framesAudio"]
            return stream if stream and stream["state"] == "live" and frames else None
        return until(live, f"live/{name} is live")

    def wait_gone(self, name="a"):
        until(lambda: self.stream(name) is None, f"live/{name} is gone")

    def wait_viewers(self, count, name="a"):
        until(lambda: len(self.sessions("play", name)) == count, f"live/{name} has {count} viewers")


class Dispatcher:
    """A running dispatcher for a topology given as YAML."""

    def __init__(self, topology, tls=(), more=()):
        """With settings for TLS it takes nodes over that, too; `more` are further settings."""
        self.topology = pathlib.Path(SCRATCH.name) / f"topology-{time.monotonic_ns()}.yaml"
        self.topology.write_text(topology)
        self.port, self.api_port, self.tls_port = free_ports(3)
        self.settings = (*tls, f"dispatch.tls_listen=127.0.0.1:{self.tls_port}") if tls else ()
        self.settings += tuple(more)
        self.start()

    def start(self):
        self.program = Program(
            BINARY, "dispatch", "--set", "node.id=dispatcher", "--set", f"dispatch.listen=127.0.0.1:{self.port}", "--set",
            f"api.listen=127.0.0.1:{self.api_port}", "--set", f"dispatch.topology={self.topology}",
            *(part for setting in self.settings for part in ("--set", setting)))
        until(lambda: self.program.is_over or self.is_ready, "the dispatcher is ready")
        if self.program.is_over:
            raise AssertionError(f"the dispatcher does not start: {self.program}")

    @property
    def is_ready(self):
        try:
            return self.api("/healthz", raw=True) is not None
        except OSError:
            return False

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def log(self):
        return self.program.output

    def stop(self):
        self.program.stop()

    def api(self, path, raw=False):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}{path}", timeout=DEADLINE) as answer:
            body = answer.read()
        return body.decode() if raw else json.loads(body)

    def wait_connected(self, count):
        until(lambda: sum(n["connected"] for n in self.api("/api/v1/topology")["nodes"]) == count, f"{count} nodes")

    def tree(self, stream):
        [found] = self.api(f"/api/v1/topology?stream={stream}")["streams"]
        return {place["node"]: place["parent"] for place in found["tree"]}


class ServerTest(unittest.TestCase):
    """Tests against one server, which all tests of the class share. Upon failure its log is shown."""

    settings = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.settings)
        cls.addClassCleanup(cls.server.stop)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            # A test that starts its own may have failed before it did.
            server = getattr(self, "server", None)
            log = server.log[-6000:] if server else "(no server)"
            print(f"\n--- the server's log at the end of {self.id()}\n{log}", file=sys.stderr)

    def program(self, *command):
        """A program that ends with the test."""
        program = Program(tool(command[0]), *command[1:])
        self.addCleanup(program.stop)
        return program

    def scratch(self, suffix=""):
        handle, path = tempfile.mkstemp(dir=SCRATCH.name, suffix=suffix)
        os.close(handle)
        return path

    # ffmpeg, as everybody uses it.

    def publish(self, sample, name="a", *options):
        return self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", *options, "-i", sample, "-c", "copy",
            "-f", "flv", self.server.rtmp(name))

    def record(self, url, *options):
        """ffmpeg that copies `url` into a file; its path is in `path`."""
        path = self.scratch(".flv")
        program = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "warning", "-i", url, "-c", "copy", *options, path)
        program.path = path
        return program

    def vlc(self, url, *options):
        """VLC that plays `url` into a transport stream; its path is in `path`."""
        folder = tempfile.mkdtemp(prefix="sluice-vlc-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        path, somebody = pathlib.Path(folder) / "out.ts", []
        # VLC does not run as root.
        if os.geteuid() == 0:
            os.chmod(folder, 0o777)
            somebody = ["setpriv", "--reuid=65534", "--clear-groups"]
        program = self.program(
            *somebody, "env", f"HOME={folder}", tool("cvlc"), "--ignore-config", "--network-caching=500", *options, url,
            "--sout", f"#std{{access=file,mux=ts,dst={path}}}", "vlc://quit")
        program.path = path
        return program

    def await_recording(self, program, enough=200_000):
        """Until the file of `vlc` has so many bytes, or all that there is."""
        until(
            lambda: program.path.exists() and program.path.stat().st_size > enough or program.is_over,
            f"VLC writes: {program}", 40)
        program.stop()


# Media.


def ffmpeg(*arguments):
    done = subprocess.run(
        [tool("ffmpeg"), "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise AssertionError(f"ffmpeg {' '.join(map(str, arguments))}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


VIDEO = {
    "h264": ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "30", "-pix_fmt", "yuv420p"),
    "flv1": ("-c:v", "flv1", "-g", "30"),
    "flashsv": ("-c:v", "flashsv", "-g", "30"),
}
AUDIO = {
    "aac": ("-c:a", "aac", "-b:a", "96k"),
    "mp3": ("-c:a", "libmp3lame"),
    "adpcm_swf": ("-c:a", "adpcm_swf"),
    "pcm": ("-c:a", "pcm_s16le"),
    "nellymoser": ("-c:a", "nellymoser", "-ac", "1"),
    "speex": ("-c:a", "libspeex", "-ar", "16000", "-ac", "1"),
    "alaw": ("-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"),
}


def kept(name, make):
    """The path of a sample that `make` writes to the path it is given, unless somebody has made it already."""
    path = SAMPLES / name
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=SAMPLES) as folder:
            make(pathlib.Path(folder) / name)
            # At once, and whole: another process may be looking.
            os.replace(pathlib.Path(folder) / name, path)
    return str(path)


def sample(video="h264", audio="aac", seconds=4):
    """An FLV file, 30 frames and a keyframe a second."""
    inputs, codecs = [], []
    if video:
        inputs += ["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=30:duration={seconds}"]
        codecs += VIDEO[video]
    if audio:
        inputs += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={seconds}"]
        codecs += AUDIO[audio]
    return kept(f"{video}-{audio}-{seconds}.flv", lambda path: ffmpeg(*inputs, *codecs, "-f", "flv", path))


def packets(path, kind):
    """Checksum and size of each packet of one kind ("v" or "a"), as ffmpeg reads them."""
    lines = ffmpeg("-i", path, "-map", f"0:{kind}", "-c", "copy", "-f", "framemd5", "-").splitlines()
    return [tuple(line.split(",")[-2:]) for line in lines if line and not line.startswith("#")]


def has(path, kind):
    listing = subprocess.run(
        [tool("ffprobe"), "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", path],
        stdout=subprocess.PIPE, check=True).stdout.decode().split()
    return {"v": "video", "a": "audio"}[kind] in listing


def tags(data):
    """The tags of an FLV file: kind (8 audio, 9 video, 18 script), timestamp and body. A cut-off end is left out, and of
    a file that has only begun there are none."""
    if not b"FLV".startswith(data[:3]):
        raise AssertionError(f"not FLV: {data[:64]!r}")
    if len(data) < 9:
        return []
    at, found = int.from_bytes(data[5:9], "big") + 4, []
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1:at + 4], "big")
        if at + 15 + size > len(data):
            break
        time = int.from_bytes(data[at + 4:at + 7], "big") | data[at + 7] << 24
        found.append((data[at], time, data[at + 11:at + 11 + size]))
        if int.from_bytes(data[at + 11 + size:at + 15 + size], "big") != size + 11:
            raise AssertionError(f"the back pointer of the tag at {at} is wrong")
        at += 15 + size
    return found


def media(data):
    """The audio and video tags that carry frames: no metadata, no codec configurations."""
    def is_configuration(kind, body):
        if kind == 9:
            return len(body) > 1 and body[0] & 15 == 7 and body[1] != 1
        return len(body) > 1 and body[0] >> 4 == 10 and body[1] == 0
    return [tag for tag in tags(data) if tag[0] in (8, 9) and tag[2] and not is_configuration(tag[0], tag[2])]


class Recorder:
    """A plain HTTP viewer in the test's own process, so that every byte of the answer can be looked at."""

    def __init__(self, test, url):
        path = test.scratch(".flv")
        self.path = path
        self.program = test.program(sys.executable, "-c", RECORD, url, path)

    @property
    def data(self):
        return pathlib.Path(self.path).read_bytes()

    def wait(self, seconds=DEADLINE):
        self.program.succeed(seconds)
        return self.data


RECORD = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=60) as answer, open(sys.argv[2], "wb", buffering=0) as out:
    while block := answer.read1(65536):
        out.write(block)
"""


def kill(program):
    """Ends a program without a chance to say goodbye."""
    program.signal(signal.SIGKILL)
    program.process.wait()
