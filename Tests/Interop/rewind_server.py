"""A server that keeps windows of streams on a disk, and a window's playlist as the tests look at it."""

import pathlib
import tempfile

from hls_client import Client, Playlist
from support import SCRATCH, Server, ServerTest, until


class Window(Playlist):
    """A playlist of a window, and what the tests ask of it."""

    @property
    def names(self):
        return [s.uri for s in self.segments]

    @property
    def numbers(self):
        return [int(name.partition(".")[0].rpartition("-")[2]) for name in self.names]

    @property
    def maps(self):
        return sorted({s.map for s in self.segments if s.map})

    @property
    def breaks(self):
        return [index for index, s in enumerate(self.segments) if s.starts_session]

    @property
    def seconds(self):
        return sum(s.duration for s in self.segments)


class RewindServerTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        pass

    def serve(self, *settings, root=None):
        self.root = root or pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
        self.server = Server((
            f"rewind.path={self.root}", "rewind.window=1h", "hls.segment=1s", "hls.window=3s", "publish.linger=0",
            "drain.timeout=0", *settings))
        self.addCleanup(self.server.stop)

    def encode(self, name="a"):
        return self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
            "testsrc2=size=320x180:rate=30", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-c:v",
            "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv",
            self.server.rtmp(name))

    def client(self, name="a", resource="window.m3u8"):
        client = Client(self.server.page(f"/live/{name}/{resource}"))
        self.addCleanup(client.close)
        return client

    def get(self, resource, name="a", method="GET", **headers):
        """On a connection of its own: another viewer, but for its address."""
        client = self.client(name)
        answer = client.get(resource, method, **headers)
        client.close()
        return answer

    def window(self, name="a", query=""):
        answer = self.get("window.m3u8" + query, name)
        return Window(answer.text) if answer.status == 200 else None

    def wait_window(self, count, name="a", query=""):
        return until(
            lambda: (w := self.window(name, query)) and len(w.segments) >= count and w, f"{count} segments are kept")

    def wait_end(self, name="a"):
        self.server.wait_gone(name)
        return until(lambda: (w := self.window(name)) and w.is_ended and w, "it is over")

    def live(self):
        answer = self.get("media.m3u8")
        return Window(answer.text).names if answer.status == 200 else []

    def leave_live(self, names):
        until(lambda: not set(self.live()) & set(names), "they are out of the live playlist")

    def kept(self, name="a"):
        """What the API says of it."""
        return self.server.api(f"/api/v1/streams/live/{name}/rewind")
