"""Runs the interop tests, some files of them side by side: most of their time they wait for streams to pass.

    python3 Tests/Interop/side_by_side.py [WORKERS]

What a file's tests print comes whole when it is through. Ends with 0 only if all of them passed.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
# Those that take longest begin first, so that none of them is waited for at the end.
LONG = ("push_test", "srt_test", "nodes_test", "hls_test", "relay_test", "mpegts_test", "capacity_test", "life_test")
WORKERS = 2


def run(name):
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-v", name], cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    return name, done.returncode, done.stdout.decode(errors="replace"), time.monotonic() - began


def main():
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else WORKERS
    names = [path.stem for path in HERE.glob("*_test.py")]
    names.sort(key=lambda name: LONG.index(name) if name in LONG else len(LONG))
    failed, tests = [], 0
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, name) for name in names]):
            name, code, output, seconds = future.result()
            print(f"-- {name}, {seconds:.0f} s\n{output}", flush=True)
            ran = re.search(r"^Ran (\d+) test", output, re.MULTILINE)
            tests += int(ran.group(1)) if ran else 0
            if code:
                failed.append((name, output))
    for name, output in failed:
        # What failed, once more and last, without the tests that passed.
        print(f"== {name}\n{output[output.find('=' * 70):][-6000:]}")
    print(f"{tests} interop tests in {len(names)} files; failed: {', '.join(name for name, _ in failed) or 'none'}")
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
