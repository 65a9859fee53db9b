"""Packages of the Python Package Index that tests look at the server with: in an environment of their own, made once."""

import functools
import subprocess
import sys
import unittest

import support

PLACE = support.ROOT / ".cache" / "interop-python"
PACKAGES = ("av==18.1.0", "m3u8==6.0.0")


@functools.cache
def python():
    """The path of an interpreter that has them."""
    interpreter = PLACE / "bin" / "python"
    check = [str(interpreter), "-c", "import av, m3u8"]
    if interpreter.exists() and not subprocess.run(check, stderr=subprocess.DEVNULL).returncode:
        return str(interpreter)
    for command in (
            [sys.executable, "-m", "venv", str(PLACE)], [str(interpreter), "-m", "pip", "install", "-q", *PACKAGES]):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            text = f"{' '.join(command)}: {done.stdout.decode(errors='replace')[-2000:]}"
            if support.OPTIONAL:
                raise unittest.SkipTest(text)
            raise AssertionError(text)
    return str(interpreter)
