"""Counts the calls into the Swift runtime that the release build has in the functions of the media path.

A retain or an access check that creeps into the walk over the viewers costs more than the walk. The numbers below
are of places, not of executions: those that remain are off the straight path (a viewer whose socket is full, a
cursor that stands where no other does). They may go down, never up.

usage: hot_path.py BINARY
"""

import collections
import re
import subprocess
import sys

# A part of the mangled name that only this function has, and how many runtime calls it may hold.
HOT = {
    "6Fanout7LogViewC5flush": 3,
    "9StreamLog0B6ReaderV6gather": 0,
    "9EventLoop12SocketWriterO5write": 0,
}
RUNTIME = re.compile(r"\bcall\w*\s+[0-9a-f]+ <(swift_\w+|malloc|free|objc_\w+)[@>]")
START = re.compile(r"^[0-9a-f]+ <([^>]+)>:")


def runtime_calls(binary):
    """By hot function: the runtime functions that it calls, with how many places."""
    found = {}
    current = None
    text = subprocess.Popen(
        ["objdump", "-d", "--no-show-raw-insn", "-j", ".text", binary], stdout=subprocess.PIPE, text=True)
    for line in text.stdout:
        if start := START.match(line):
            current = next((hot for hot in HOT if hot in start[1]), None)
            if current:
                found.setdefault(current, collections.Counter())
        elif current and (call := RUNTIME.search(line)):
            found[current][call[1]] += 1
    if text.wait() != 0:
        sys.exit("hot_path.py: objdump failed")
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = runtime_calls(sys.argv[1])
    failed = False
    for hot, allowed in HOT.items():
        if hot not in found:
            print(f"{hot}: not in {sys.argv[1]}; was it renamed or inlined? Name the function that holds it now.")
            failed = True
            continue
        count = sum(found[hot].values())
        if count > allowed:
            calls = ", ".join(f"{number} {name}" for name, number in sorted(found[hot].items()))
            print(f"{hot}: {count} runtime calls, {allowed} allowed: {calls}")
            failed = True
    sys.exit(failed)


main()
