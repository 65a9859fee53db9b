"""A real browser opens the page, and its picture moves."""

import base64
import json
import pathlib
import shutil
import tempfile
import unittest
import urllib.request

import support
from support import ServerTest, sample, until
from websocket_client import WebSocket


class Tab:
    """A page in a headless Chromium, driven over the DevTools protocol."""

    def __init__(self, test):
        # Chromium writes to its profile while it goes down: what is left of it then does not matter.
        self.profile = tempfile.mkdtemp(dir=support.SCRATCH.name, prefix="chromium-")
        test.addCleanup(shutil.rmtree, self.profile, ignore_errors=True)
        self.program = test.program(
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--remote-debugging-port=0", f"--user-data-dir={self.profile}",
            "--autoplay-policy=no-user-gesture-required", "--no-first-run", "about:blank")
        where = pathlib.Path(self.profile) / "DevToolsActivePort"
        until(lambda: where.exists() and "\n" in where.read_text() or self.program.is_over, "Chromium is up", 40)
        test.assertFalse(self.program.is_over, self.program)
        port = where.read_text().split()[0]

        def page():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=20) as answer:
                return next((t for t in json.load(answer) if t["type"] == "page"), None)
        self.socket = WebSocket(until(page, "Chromium has a page")["webSocketDebuggerUrl"], timeout=40)
        test.addCleanup(self.socket.close)
        self.number = 0

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}).encode())
        for text in self.socket.messages():
            answer = json.loads(text)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
        raise AssertionError(f"Chromium has gone: {self.program}")

    def evaluate(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


class BrowserTest(ServerTest):
    def test_the_page_plays_until_the_clock_advances(self):
        self.publish(sample(seconds=30))
        self.server.wait_live()
        tab = Tab(self)
        tab.call("Page.enable")
        tab.call("Page.navigate", url=self.server.page("/?play=live/a"))
        clock = "(() => { const v = document.querySelector('video'); return v ? v.currentTime : 0 })()"
        try:
            start = until(lambda: tab.evaluate(clock), "the video has a time", 40)
            until(lambda: tab.evaluate(clock) > start + 1, "the clock advances", 20)
            size = tab.evaluate("(v => [v.videoWidth, v.videoHeight])(document.querySelector('video'))")
            self.assertEqual(size, [320, 180])
        finally:
            tab.screenshot(pathlib.Path(tempfile.gettempdir()) / "sluice-browser-test.png")
        [viewer] = self.server.sessions("play")
        self.assertIn("Chrom", viewer["agent"])


if __name__ == "__main__":
    unittest.main()
