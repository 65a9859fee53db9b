"""A real browser opens the page, and its picture moves: live MP4 and Low-Latency HLS through Media Source Extensions."""

import base64
import json
import pathlib
import shutil
import statistics
import tempfile
import unittest
import urllib.request

import support
from support import ServerTest, ffmpeg, until
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
    settings = ("hls.segment=1s", "hls.part=200ms")

    def encoder(self, name):
        """An encoder without delay of its own, with a keyframe a second."""
        program = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
            "testsrc2=size=320x180:rate=30", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-c:v",
            "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac",
            "-f", "flv", "-flush_packets", "1", self.server.rtmp(name))
        self.server.wait_live(name)
        return program

    def open(self, query):
        tab = Tab(self)
        tab.call("Page.enable")
        tab.call("Page.navigate", url=self.server.page(query))
        return tab

    def check_playing(self, query, name):
        """The picture moves; what the page says of its delay is printed, for a busy machine decides on it."""
        tab = self.open(query)
        clock = "(() => { const v = document.querySelector('video'); return v ? v.currentTime : 0 })()"
        try:
            until(lambda: tab.evaluate("window.sluice?.state") == "playing", "the page plays", 40)
            start = tab.evaluate(clock)
            until(lambda: tab.evaluate(clock) > start + 4, "the clock advances", 30)
            size = tab.evaluate("(v => [v.videoWidth, v.videoHeight])(document.querySelector('video'))")
            self.assertEqual(size, [320, 180])
            latencies = []
            for _ in range(20):
                at = tab.evaluate(clock)
                until(lambda: tab.evaluate(clock) >= at + 0.1, "the clock goes on")
                latencies.append(1000 * tab.evaluate("window.sluice.latency"))
            print(
                f"{name}: from the origin to the picture {statistics.median(latencies):.0f} ms (at most "
                f"{max(latencies):.0f} ms), buffered {1000 * tab.evaluate('window.sluice.delay'):.0f} ms, "
                f"stalls {tab.evaluate('window.sluice.stalls')}", flush=True)
            self.assertLess(statistics.median(latencies), 10_000)
            self.assertGreater(statistics.median(latencies), 0)
        finally:
            tab.screenshot(pathlib.Path(tempfile.gettempdir()) / f"sluice-browser-{name}.png")
        return tab

    def test_the_page_plays_over_a_websocket_until_the_clock_advances(self):
        self.encoder("a")
        self.check_playing("/?play=live/a", "socket")
        [viewer] = self.server.sessions("play")
        self.assertIn("Chrom", viewer["agent"])
        self.assertEqual(self.server.stream("a")["viewers"].get("ws-mp4"), 1)

    def test_the_page_plays_over_plain_http(self):
        self.encoder("b")
        self.check_playing("/?play=live/b&ws=0", "http")

    def test_the_page_plays_low_latency_hls_and_a_returning_encoder(self):
        encoder = self.encoder("c")
        tab = self.check_playing("/?play=live/c&hls", "hls")
        self.assertEqual(self.server.stream("c")["viewers"].get("hls"), 1)
        encoder.stop()
        self.encoder("c")
        clock = "document.querySelector('video').currentTime"
        until(lambda: tab.evaluate("window.sluice.state") == "playing", "the page plays again", 30)
        start = tab.evaluate(clock)
        until(lambda: tab.evaluate(clock) > start + 2, "the clock goes on behind the discontinuity", 30)

    def test_what_the_browser_cannot_play_is_named(self):
        path = self.scratch(".flv")
        ffmpeg("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=30", "-c:a", "libmp3lame", path)
        self.publish(path, "d")
        self.server.wait_live("d")
        tab = self.open("/?play=live/d")
        until(lambda: tab.evaluate("window.sluice?.state") == "unsupported", "the page gives up", 30)
        words = tab.evaluate("document.getElementById('state').textContent")
        self.assertIn("cannot play", words)
        self.assertIn("mp4a.6", words)


if __name__ == "__main__":
    unittest.main()
