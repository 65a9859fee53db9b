"""A viewer in a thread of the test's, for tests that need many: a program each takes a busy machine long to start."""

import contextlib
import threading
import urllib.request

from support import DEADLINE


class Watcher(threading.Thread):
    """Collects what it is served, from the moment that it is made."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url = url
        self.data = bytearray()
        self.start()

    def run(self):
        # Whoever looks at the data sees that nothing comes any more.
        with contextlib.suppress(OSError), urllib.request.urlopen(self.url, timeout=DEADLINE) as answer:
            while block := answer.read1(65536):
                self.data += block

    def wait(self, seconds=DEADLINE):
        self.join(seconds)
        if self.is_alive():
            raise AssertionError(f"still served after {seconds} s: {self.url}")
