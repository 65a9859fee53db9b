"""What benchmarks have in common: programs on processors of their own, what they cost to the nanosecond, and figures."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from cluster_process import ClusterError, launch, settings, until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# A pass of the load generator that takes longer than it was asked to by so many seconds hangs.
GRACE = 60


class BenchError(Exception):
    pass


def free_port():
    """Below the range that the system chooses from for connections."""
    while True:
        port = 20000 + int.from_bytes(os.urandom(2)) % 10000
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def fetch(url):
    """The body of a successful answer, else None."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError):
        return None


def children(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]


def page_faults(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7])


def set_apart(pid, loops):
    """Each loop on a processor of its own, and none interrupted by what stands for other machines here: the scheduler
    gives even its idle class a tick now and then, and puts two loops on one processor to make room for it."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        # The first loop is on the program's own thread.
        loop = int(name[5:]) if name.startswith("loop-") else 0
        if loop < loops and (name.startswith("loop-") or int(task.name) == pid):
            try:
                os.sched_setaffinity(int(task.name), {loop})
                os.sched_setscheduler(int(task.name), os.SCHED_FIFO, os.sched_param(1))
            except OSError as error:
                raise BenchError(
                    f"loop {loop} gets no processor of its own ({error.strerror}); run this as root, with no more "
                    "--threads than processors") from None


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def processor_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.uname().machine


class Bench:
    """The programs of one run. Whatever happens, none is left behind."""

    def __init__(self, binaries):
        self.binaries = pathlib.Path(binaries)
        for name in ("sluice", "loadgen"):
            if not (self.binaries / name).exists():
                raise BenchError(f"{self.binaries / name} is missing: swift build -c release")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench."))
        # nginx gives up its rights.
        self.folder.chmod(0o755)
        self.programs = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, command, processor=None, before=()):
        """`processor`: the only one that it runs on; `before`: what starts it, such as chrt."""
        for tool in (*before[:1], command[0], "taskset"):
            if not shutil.which(str(tool)):
                raise BenchError(f"{tool} is missing; install it")
        pinned = [] if processor is None else ["taskset", "-c", str(processor)]
        with open(self.folder / f"{name}.log", "ab") as log:
            program = launch([*before, *pinned, *map(str, command)], log)
        program.name = name
        self.programs.append(program)
        return program

    def sluice(self, name, values, processor=None, binaries=None):
        ports = {key: free_port() for key in ("rtmp", "http", "api", "relay")}
        values = {f"{key}.listen": f"127.0.0.1:{port}" for key, port in ports.items()} | {"node.id": name} | values
        program = self.start(
            name, [pathlib.Path(binaries or self.binaries) / "sluice", "serve", *settings(values)], processor)
        program.ports = ports
        self.await_port(program, ports["api"])
        return program

    def loadgen(self, name, arguments, processor=None, before=()):
        return self.start(name, [self.binaries / "loadgen", *arguments], processor, before)

    def await_port(self, program, port):
        def is_there():
            if program.poll() is not None:
                raise BenchError(f"{program.name} has ended: {self.tail(program)}")
            return answers(port)

        try:
            until(is_there, f"{program.name} listens on port {port}")
        except ClusterError as error:
            raise BenchError(f"{error}: {self.tail(program)}") from error

    def tail(self, program):
        return (self.folder / f"{program.name}.log").read_text(errors="replace")[-1500:]

    def finish(self, program, seconds):
        """Its output, once it has ended by itself."""
        try:
            code = program.wait(seconds + GRACE)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{program.name} does not end: {self.tail(program)}") from None
        self.programs.remove(program)
        if code:
            raise BenchError(f"{program.name} failed: {self.tail(program)}")
        return (self.folder / f"{program.name}.log").read_text()

    def stop(self, *programs):
        for program in programs or list(reversed(self.programs)):
            if program.poll() is None:
                # A server that drains ends at the second signal.
                program.terminate()
                time.sleep(0.05)
                program.terminate()
                try:
                    program.wait(3)
                except subprocess.TimeoutExpired:
                    program.kill()
                    program.wait()
            if program in self.programs:
                self.programs.remove(program)


def make_film(path, bits, *, rate=30, size="1280x720", seconds=20, keyframes=2):
    """H.264 and AAC of about so many bits a second."""
    if path.exists():
        return path
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    sound = min(128_000, bits // 4)
    picture = bits - sound
    if not shutil.which("ffmpeg"):
        raise BenchError("ffmpeg is missing; install it")
    done = subprocess.run(
        ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-y",
         "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}", "-f", "lavfi", "-i", "sine=sample_rate=48000",
         "-t", str(seconds), "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", str(rate * keyframes),
         "-keyint_min", str(rate * keyframes), "-sc_threshold", "0", "-b:v", str(picture), "-maxrate", str(picture),
         "-bufsize", str(picture), "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", str(sound), "-ac", "2",
         "-f", "flv", str(part)], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"ffmpeg makes no film: {done.stderr.strip()}")
    part.rename(path)
    return path
