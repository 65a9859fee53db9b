#!/usr/bin/env python3
"""The house rules that neither the compiler nor the formatter knows. Run from anywhere; `tools/test lint` runs it.

Each check yields complaints, "file:line: what is wrong; what to do". A rule without a complaint is silent.
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SELF = pathlib.Path(__file__).resolve()

# Lines of a Swift, C or Python file of ours. The manner asks for about 400; tighten, never loosen.
FILE_LINES = 450

# What every module of Sources may import beside the modules that Package.swift gives it.
SYSTEM = {"Glibc", "Synchronization"}

# Who may import a C library: modules, and inside them the only files, when it is few (None: any file).
LIBRARIES = {
    "CUV": {"EventLoop": None},
    "COpenSSL": {"RTMP": 2, "HTTP": 2, "RelayProtocol": 2, "TLS": None},
    "CYAML": {"Configuration": 1},
    "CZlib": {"Packaging": 1},
    "CNGHTTP2": {"HTTP2": None},
    "CSRT": {"SRT": None, "loadgen": 4},
    "CSystem": {"EventLoop": None, "Threads": 1, "loadgen": None},
}

IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public |package |internal |fileprivate |private )?"
    r"import\s+(?:struct |class |enum |func |var |let |typealias |protocol )?(\w+)"
)
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|Users|mnt/data)/[\w.-]+")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")


def ours():
    """The files that git knows or would add: what is ignored, or only built, is not ours."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE,
    ).stdout.decode()
    for name in sorted(filter(None, listing.split("\0"))):
        path = ROOT / name
        # A link is checked where it leads.
        if path.is_file() and not any(part.is_symlink() for part in [path, *path.parents]):
            yield path


def text_of(path):
    data = path.read_bytes()
    return None if b"\0" in data else data.decode("utf-8", "replace")


def lines(path):
    for number, line in enumerate((text_of(path) or "").splitlines(), 1):
        yield number, line


def at(path, number):
    return f"{path.relative_to(ROOT)}:{number}"


def swift_sources():
    return [p for p in ours() if p.suffix == ".swift" and p.relative_to(ROOT).parts[0] == "Sources"]


def module_of(path):
    return path.relative_to(ROOT).parts[1]


def package_table():
    """Module -> the modules that Package.swift lets it import."""
    manifest = text_of(ROOT / "Package.swift")
    table = {}
    for name, body in re.findall(r'\broom\(\s*"(\w+)"\s*(?:,\s*\[([^\]]*)\])?\s*\)', manifest):
        table[name] = set(re.findall(r'"(\w+)"', body))
    for name, body in re.findall(
        r'\.executableTarget\(\s*name:\s*"(\w+)"\s*,\s*dependencies:\s*\[([^\]]*)\]', manifest
    ):
        table[name] = set(re.findall(r'"(\w+)"', body))
    return table


def imports():
    for path in swift_sources():
        for number, line in lines(path):
            if found := IMPORT.match(line):
                yield path, number, found.group(1)


def module_direction():
    table = package_table()
    for path, number, imported in imports():
        module = module_of(path)
        if module not in table:
            yield f"{at(path, number)}: module {module} is not in Package.swift"
        elif imported not in table[module] | SYSTEM | {module} and imported != "Foundation":
            allowed = ", ".join(sorted(table[module] | SYSTEM))
            yield f"{at(path, number)}: {module} must not import {imported}; Package.swift allows {allowed}"


def no_cycles():
    """A module that reaches itself; SwiftPM refuses it too, but without the path."""
    table = package_table()

    def walk(module, trail):
        for below in sorted(table.get(module, ())):
            if below in trail:
                yield "Package.swift: " + " -> ".join([*trail, below])
            else:
                yield from walk(below, [*trail, below])

    for module in table:
        yield from walk(module, [module])


def libraries():
    users = {}
    for path, number, imported in imports():
        if imported not in LIBRARIES:
            continue
        allowed = LIBRARIES[imported]
        module = module_of(path)
        if module not in allowed:
            yield f"{at(path, number)}: only {', '.join(allowed)} may import {imported}"
            continue
        users.setdefault((imported, module), set()).add(path)
        limit = allowed[module]
        if limit is not None and len(users[imported, module]) > limit:
            yield f"{at(path, number)}: {imported} is imported in more than {limit} file(s) of {module}; keep it in them"


def no_foundation():
    for path, number, imported in imports():
        if imported.startswith("Foundation"):
            yield f"{at(path, number)}: {imported} costs memory and start-up time; use Glibc or the standard library"


def no_left_overs():
    for path in ours():
        if path == SELF or "corpus" in path.parts:
            continue
        for number, line in lines(path):
            if found := LEFT_OVER.search(line):
                yield f"{at(path, number)}: {found.group(1)}; do it, or open an issue"


def no_machine_paths():
    for path in ours():
        if path == SELF or path.name == "LICENSE" or "corpus" in path.parts:
            continue
        for number, line in lines(path):
            if found := MACHINE_PATH.search(line):
                yield f"{at(path, number)}: {found.group(0)} exists on one machine only; make it relative"


def file_length():
    for path in ours():
        if path.suffix in {".swift", ".c", ".h", ".py"}:
            count = sum(1 for _ in lines(path))
            if count > FILE_LINES:
                yield f"{at(path, count)}: {count} lines, at most {FILE_LINES}; one type one file"


def configuration_keys():
    """Swift tests hold the file to the table in full; this finds a forgotten key without a build."""
    source = text_of(ROOT / "Sources/Configuration/Key.swift") or ""
    table = re.findall(r'^\s*Key\("([\w.]+)"', source, re.MULTILINE)
    found, section = [], ""
    for number, line in lines(ROOT / "conf/sluice.yaml"):
        if key := re.match(r"( *)(\w+):\s*(\S?)", line):
            indent, name, value = key.groups()
            if not indent:
                section = "" if value else name + "."
            if value:
                found.append((section if indent else "") + name)
    for key in table:
        if key not in found:
            yield f"conf/sluice.yaml:1: {key} is missing; add it with its default and a sentence"
    for key in found:
        if key not in table:
            yield f"conf/sluice.yaml:1: {key} is no key of Sources/Configuration/Key.swift"


def anchors(path):
    for _, line in lines(path):
        if heading := re.match(r"#+\s+(.*)", line):
            plain = re.sub(r"[^\w\- ]", "", heading.group(1).strip().lower())
            yield plain.replace(" ", "-")


def links():
    for path in ours():
        if path.suffix != ".md":
            continue
        for number, line in lines(path):
            for found in LINK.finditer(re.sub(r"`[^`]*`", "", line)):
                target = found.group(1) or found.group(2)
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                aim = (path.parent / name).resolve() if name else path
                if not aim.exists():
                    yield f"{at(path, number)}: the link to {target} leads nowhere"
                elif anchor and aim.suffix == ".md" and anchor not in anchors(aim):
                    yield f"{at(path, number)}: {aim.name} has no heading #{anchor}"


CHECKS = [
    module_direction, no_cycles, libraries, no_foundation, no_left_overs, no_machine_paths, file_length,
    configuration_keys, links,
]


class Tidy(unittest.TestCase):
    pass


def as_test(check):
    def test(self):
        complaints = list(check())
        self.assertFalse(complaints, "\n" + "\n".join(complaints))

    return test


for rule in CHECKS:
    setattr(Tidy, "test_" + rule.__name__, as_test(rule))

if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
