"""Quotas over a whole network: viewers on several nodes, the quota reached, the next refused in each protocol's words,
room again, a file read anew, and what holds without a dispatcher."""

import signal
import threading
import unittest
import urllib.error
import urllib.request

import srt_client
from capacity_test import answer, assert_without_loss
from rtmp_client import RTMPClient, command
from support import Dispatcher, Recorder, Server, ServerTest, free_ports, kill, sample, until

NODES = 3
TOPOLOGY = "idcs: [{id: fra}]\nnodes:\n" + "".join(
    f"  - {{id: n{i}, idc: fra, capacity: {{out: 1Gbit, in: 1Gbit, sessions: 1000, cpu: 1}}}}\n" for i in range(NODES))
QUOTAS = """quotas:
  - {app: live, viewers: {soft: 2, hard: 3}}
  - {app: pub, publishers: 1}
"""
USED_UP = "the quota of application live is used up: 3 of 3 viewers"


class QuotaTest(ServerTest):
    def setUp(self):
        self.dispatcher = Dispatcher(TOPOLOGY + QUOTAS)
        self.addCleanup(self.dispatcher.stop)
        self.nodes, self.srt_port = [], free_ports(1)[0]
        for i in range(NODES):
            srt = (f"srt.listen=127.0.0.1:{self.srt_port}",) if i == 2 else ()
            self.nodes.append(Server((f"dispatch.servers={self.dispatcher.address}", "node.idc=fra", *srt), node=f"n{i}"))
            self.addCleanup(self.nodes[-1].stop)
        self.server = self.nodes[0]
        self.wait_told()

    @classmethod
    def setUpClass(cls):
        pass

    def quota(self, app="live", resource="viewers"):
        [found] = [q for q in self.dispatcher.api("/api/v1/quotas")["quotas"] if q["app"] == app]
        return found[resource]

    def wait_told(self):
        until(lambda: sum("limit" in n for n in self.quota()["nodes"]) == NODES, "all nodes have been told")

    def wait_used(self, count, app="live", resource="viewers"):
        until(lambda: self.quota(app, resource)["used"] == count, f"{count} {resource} of {app} are counted")

    def wait_refused(self, *nodes):
        """Until the dispatcher's word that nothing is left has come there."""
        for node in nodes:
            until(lambda: answer(node.flv("show"))[0] == 503, "a node knows that the quota is used up")
        self.wait_used(3)

    def start(self, name="show", app="live", node=0, source=None):
        return self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "info", "-re", "-i", source or sample(seconds=30), "-c",
            "copy", "-f", "flv", self.nodes[node].rtmp(name, app))

    def watch(self, node):
        """One viewer more, who is served and counted."""
        before = self.quota()["used"]
        viewer = Recorder(self, self.nodes[node].flv("show"))
        until(lambda: len(viewer.data) > 1_000, "the viewer is served")
        self.wait_used(before + 1)
        return viewer

    def fill(self):
        publisher = self.start()
        self.server.wait_live("show")
        viewers = [self.watch(node) for node in (1, 2, 1)]
        return publisher, viewers

    def test_the_next_viewer_is_refused_in_the_words_of_its_protocol_until_one_leaves(self):
        _, viewers = self.fill()
        self.wait_refused(*self.nodes)
        self.assertEqual(self.quota()["state"], "hard")
        for node in self.nodes:
            status, headers, body = answer(node.flv("show"))
            self.assertEqual((status, headers["Retry-After"]), (503, "10"))
            self.assertIn(USED_UP, body.decode())
        player = RTMPClient(self.nodes[1].rtmp_port)
        self.addCleanup(player.close)
        player.connect()
        player.send(command("createStream", 2, None) + command("play", 3, None, "show", stream=1))
        self.assertTrue(player.read_until("NetStream.Play.Failed"))
        self.assertIn(USED_UP.encode(), player.received)
        ffmpeg = self.program(
            "ffmpeg", "-hide_banner", "-nostdin", "-i", self.nodes[2].rtmp("show"), "-f", "null", "-")
        self.assertNotEqual(ffmpeg.wait(), 0)
        self.assertIn(USED_UP, ffmpeg.output)
        self.assertEqual(srt_client.call(self.srt_port, "live/show"), 1402, "overload")
        self.assertGreaterEqual(self.nodes[1].errors()["full_quota"], 2)

        # The dispatcher says the same to who asks it where to go.
        try:
            urllib.request.urlopen(
                f"http://127.0.0.1:{self.dispatcher.api_port}/api/v1/place?role=viewer&stream=live/show", timeout=20)
            self.fail("a place for nobody")
        except urllib.error.HTTPError as error:
            with error:
                self.assertEqual(error.code, 503)
                self.assertIn(USED_UP, error.read().decode())
        for event in "dispatch.quota_soft", "dispatch.quota_hard":
            self.assertEqual(self.dispatcher.log.count(event), 1, event)

        viewers[1].program.stop()
        self.wait_used(2)
        until(lambda: answer(self.nodes[1].flv("show"))[0] == 200, "there is room again at the other node")
        self.wait_used(2)
        for viewer in viewers:
            assert_without_loss(self, viewer, sample(seconds=30))
        for viewer in viewers[0], viewers[2]:
            self.assertFalse(viewer.program.is_over)

    def test_crowds_at_two_nodes_at_once_pass_the_quota_by_one_for_each_node_at_most(self):
        self.start()
        self.server.wait_live("show")
        viewers, lock = [], threading.Lock()

        def come(node):
            viewer = Recorder(self, self.nodes[node].flv("show"))
            with lock:
                viewers.append(viewer)
        threads = [threading.Thread(target=come, args=(1 + i % 2,)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: all(v.data or v.program.is_over for v in viewers), "all have their answers")
        inside = sum(not v.program.is_over for v in viewers)
        self.assertTrue(1 <= inside <= 3 + NODES, inside)
        self.wait_used(inside)

    def test_publishers_have_a_quota_too(self):
        first = self.start("a", "pub")
        until(lambda: self.server.stream("a", "pub"), "a is there")
        self.wait_used(1, "pub", "publishers")

        def refused():
            program = self.start("b", "pub", node=1, source=sample(seconds=4))
            program.wait()
            return "the quota of application pub is used up: 1 of 1 publishers" in program.output
        until(refused, "another stream's publisher is turned away")
        # Who takes the place of the one that is here needs no other.
        second = self.start("a", "pub")
        until(lambda: first.is_over, "the first is replaced")
        self.wait_used(1, "pub", "publishers")
        second.stop()
        self.wait_used(0, "pub", "publishers")
        self.start("b", "pub", node=1)
        until(lambda: self.nodes[1].stream("b", "pub"), "there is room again")

    def test_a_file_read_anew_changes_quotas_and_drops_nobody(self):
        _, viewers = self.fill()
        self.wait_refused(self.nodes[2])
        self.dispatcher.topology.write_text(TOPOLOGY + "quotas: [{app: live, viewers: 0}]\n")
        self.dispatcher.program.signal(signal.SIGHUP)
        until(lambda: "dispatch.not_reloaded" in self.dispatcher.log, "a mistake is told")
        self.assertIn("write a whole number above 0", self.dispatcher.log)
        self.assertEqual(self.quota()["hard"], 3)
        self.dispatcher.topology.write_text(TOPOLOGY + "quotas: [{app: live, viewers: 2}, {app: more, viewers: 5}]\n")
        self.dispatcher.program.signal(signal.SIGHUP)
        until(lambda: self.quota()["hard"] == 2, "the quota is lower")
        self.assertEqual(self.quota()["used"], 3)
        until(lambda: b"3 of 2 viewers" in answer(self.nodes[1].flv("show"))[2], "nodes know it")
        self.dispatcher.topology.write_text(TOPOLOGY)
        self.dispatcher.program.signal(signal.SIGHUP)
        until(lambda: answer(self.nodes[1].flv("show"))[0] == 200, "there is no quota any more")
        self.assertEqual(self.dispatcher.api("/api/v1/quotas"), {"quotas": []})
        for viewer in viewers:
            assert_without_loss(self, viewer, sample(seconds=30))
        self.assertFalse(any(viewer.program.is_over for viewer in viewers))

    def test_without_a_dispatcher_the_last_word_holds_for_a_while_and_then_nodes_go_by_their_own_limits(self):
        _, viewers = self.fill()
        self.wait_refused(*self.nodes)
        kill(self.dispatcher.program)
        until(lambda: "dispatch.lost" in self.nodes[1].log, "the node has lost its dispatcher")
        self.assertEqual(answer(self.nodes[1].flv("show"))[0], 503)
        until(lambda: answer(self.nodes[1].flv("show"))[0] == 200, "the node goes by its own limits")
        viewers.append(Recorder(self, self.nodes[1].flv("show")))
        until(lambda: len(viewers[-1].data) > 1_000, "a viewer more is served")
        self.dispatcher.start()
        self.wait_used(4)
        until(lambda: b"4 of 3 viewers" in answer(self.nodes[2].flv("show"))[2], "the quota holds again")
        for viewer in viewers:
            assert_without_loss(self, viewer, sample(seconds=30))
        self.assertFalse(any(viewer.program.is_over for viewer in viewers))


if __name__ == "__main__":
    unittest.main()
