"""Two nodes behind one relay serve the same segments under the same names, and a player moves between them."""

import unittest

from hls_client import Client, Movie, Playlist
from support import Server, ServerTest, kill, until

HLS = ("hls.segment=1s", "hls.part=200ms", "hls.window=8s", "publish.linger=2s")


class HLSNodesTest(ServerTest):
    settings = HLS

    @classmethod
    def setUpClass(cls):
        cls.server = Server(HLS, node="origin")
        cls.addClassCleanup(cls.server.stop)

    def node(self, name, parent):
        server = Server((*HLS, f"relay.parents={parent.relay}"), node=name)
        self.addCleanup(server.stop)
        return server

    def client(self, node, name):
        client = Client(node.page(f"/live/{name}/media.m3u8"))
        self.addCleanup(client.close)
        return client

    def playlist(self, client, above=0):
        """The first that has more than `above` segments."""
        def enough():
            answer = client.get()
            found = Playlist(answer.text) if answer.status == 200 else None
            return found if found and len(found.segments) > above else None
        return until(enough, f"{client.base} has more than {above} segments")

    def encode(self, name):
        self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
            "testsrc2=size=320x180:rate=30", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-c:v",
            "libx264", "-preset", "ultrafast", "-g", "30", "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv",
            self.server.rtmp(name))
        self.server.wait_live(name)

    def setUp(self):
        self.relay = self.node("relay", self.server)
        self.edges = [self.node(name, self.relay) for name in ("edge-a", "edge-b")]

    def test_segments_parts_and_tracks_are_the_same_bytes_under_the_same_names(self):
        self.encode("same")
        first = self.client(self.edges[0], "same")
        self.playlist(first, 1)
        # The other one joins in the middle.
        second = self.client(self.edges[1], "same")
        self.playlist(second, 3)
        lists = [self.playlist(client) for client in (first, second)]
        known = [{s.number: s for s in p.segments} for p in lists]
        common = sorted(known[0].keys() & known[1].keys())
        self.assertGreaterEqual(len(common), 3)
        self.assertEqual(lists[0].target, lists[1].target)
        self.assertEqual(lists[0].part_target, lists[1].part_target)
        compared = 0
        for number in common:
            one, other = (k[number] for k in known)
            self.assertEqual(one.key[:5], other.key[:5])
            # Each node says the origin's time in terms of its own clock.
            self.assertLess(abs(one.date - other.date), 0.05)
            for uri in [one.uri, one.map, *({p.uri for p in one.parts} & {p.uri for p in other.parts})]:
                bodies = [client.get(uri) for client in (first, second)]
                self.assertEqual([b.status for b in bodies], [200, 200], uri)
                self.assertEqual(bodies[0].body, bodies[1].body, uri)
                self.assertEqual(bodies[0].headers["etag"], bodies[1].headers["etag"], uri)
                compared += 1
        self.assertGreater(compared, 10)

    def test_a_player_that_is_sent_to_the_other_node_misses_no_segment(self):
        self.encode("moved")
        clients = [self.client(edge, "moved") for edge in self.edges]
        for client in clients:
            self.playlist(client, 2)
        fetched, client = {}, clients[0]
        answer = client.get()
        while len(fetched) < 9:
            playlist = Playlist(answer.text)
            for segment in playlist.segments:
                if segment.number in fetched or fetched and segment.number < min(fetched):
                    continue
                body = client.get(segment.uri)
                self.assertEqual(body.status, 200)
                fetched[segment.number] = body.body
            if len(fetched) >= 5 and client is clients[0]:
                kill(self.edges[0].program)
                client = clients[1]
            # What comes next, of a node that never heard of this player.
            answer = client.get(f"?_HLS_msn={max(fetched) + 1}")
            self.assertEqual(answer.status, 200, answer.body)
        self.assertIs(client, clients[1])
        self.assertEqual(sorted(fetched), list(range(min(fetched), min(fetched) + len(fetched))))
        times = [self.first_time(client, body) for _, body in sorted(fetched.items())]
        steps = [round(b - a, 3) for a, b in zip(times, times[1:])]
        self.assertTrue(all(abs(step - 1) < 0.05 for step in steps), steps)

    def first_time(self, client, body):
        """Where a segment's pictures begin, in seconds of the stream."""
        if not hasattr(self, "movie"):
            self.movie = Movie(client.get(Playlist(client.get().text).segments[0].map).body)
        return min(time for kind, time, _, _ in self.movie.samples(body) if kind == "vide")


if __name__ == "__main__":
    unittest.main()
