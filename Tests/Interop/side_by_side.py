"""Runs the interop tests, some of their classes side by side: most of their time they wait for streams to pass.

    python3 Tests/Interop/side_by_side.py [--workers COUNT] [--apart] [NAME…]

A name is that of a file, a class or a test, as unittest has it (push_test, push_test.ServersTest); without one, all files
are run. With --apart each test runs on its own, not each class: of few classes with many tests that is quicker.

What a class's tests print comes whole when it is through. Ends with 0 only if all of them passed.
"""

import argparse
import concurrent.futures
import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
# Those that take longest begin first, so that none of them is waited for at the end.
LONG = (
    "nodes_test.NodesTest", "srt_test.InAndOutTest", "hls_test.HLSTest", "dispatch_test.DispatchTest",
    "http2_test.HTTP2Test", "failover_test.FailoverTest", "push_test.ProgramsTest", "data_test.DataTest",
    "relay_test.PacketsTest", "push_test.ServersTest", "mpegts_test.HTTPTest", "srt_test.CallerTest",
    "tls_test.ListenersTest", "transports_test.LinkTransportsTest")
# More than processors, for most of the tests' time is that of their streams.
WORKERS = 3
# Each lane's tests have ports of their own: see support.py.
FIRST_PORT, PORT_COUNT = 20_000, 1_000


def leaves(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from leaves(each)
        else:
            yield each


def units(names, apart):
    """What is run as one: classes, or single tests. A file that cannot be read is run whole, to say why."""
    found = {}
    for name in names:
        for test in leaves(unittest.defaultTestLoader.loadTestsFromName(name)):
            broken = type(test).__module__ == "unittest.loader"
            unit = name if broken else test.id() if apart else test.id().rpartition(".")[0]
            found[unit] = found.get(unit, 0) + 1
    return sorted(found, key=lambda unit: (LONG.index(unit) if unit in LONG else len(LONG), -found[unit]))


def run(unit, samples, lanes):
    lane = lanes.get()
    environment = {**os.environ, "SLUICE_SAMPLES": samples, "SLUICE_FIRST_PORT": str(FIRST_PORT + lane * PORT_COUNT)}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-v", unit], cwd=HERE, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lanes.put(lane)
    return unit, done.returncode, done.stdout.decode(errors="replace"), time.monotonic() - began


def run_all(chosen, workers):
    """How many tests ran, and the names and words of the units of which one failed."""
    failed, tests = [], 0
    lanes = queue.SimpleQueue()
    for lane in range(workers):
        lanes.put(lane)
    with (tempfile.TemporaryDirectory(prefix="sluice-samples-") as samples,
          concurrent.futures.ThreadPoolExecutor(workers) as pool):
        for future in concurrent.futures.as_completed([pool.submit(run, unit, samples, lanes) for unit in chosen]):
            unit, code, output, seconds = future.result()
            print(f"-- {unit}, {seconds:.0f} s\n{output}", flush=True)
            ran = re.search(r"^Ran (\d+) test", output, re.MULTILINE)
            tests += int(ran.group(1)) if ran else 0
            if code:
                failed.append((unit, output))
    return tests, failed


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--apart", action="store_true")
    arguments = parser.parse_args()
    sys.path.insert(0, str(HERE))
    chosen = units(arguments.names or sorted(path.stem for path in HERE.glob("*_test.py")), arguments.apart)
    tests, failed = run_all(chosen, arguments.workers)
    for unit, output in failed:
        # What failed, once more and last, without the tests that passed.
        print(f"== {unit}\n{output[output.find('=' * 70):][-6000:]}")
    print(f"{tests} interop tests in {len(chosen)} parts; failed: {', '.join(unit for unit, _ in failed) or 'none'}")
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
