"""A stream crosses into each data centre once, however many nodes want it there: proven from what the links carried.

Three IDCs, each with a relay and two edges; streams come in at different places, and every edge has a viewer of each.
The bytes that came over the connections between IDCs are compared with what the streams weigh.
"""

import sys
import time
import unittest

import support
from support import Dispatcher, Server, ServerTest, sample, until
from watcher import Watcher

sys.path.append(str(support.ROOT / "tools/lib"))

import cluster_links  # noqa: E402

IDCS = {"fra": (50.1, 8.7), "iad": (38.9, -77.4), "nrt": (35.8, 140.4)}
ROLES = {"relay": "ingest, relay", "edge-1": "edge", "edge-2": "edge"}
# Where each stream is published.
STREAMS = {"one": "fra-relay", "two": "fra-relay", "three": "nrt-relay"}
# How much of each stream passes while the links are looked at: some seconds of it. Frames that are on their way when
# counters are read are some tens of milliseconds.
BYTES = 500_000
# Of one copy's bytes: what heartbeats add, and what was on its way when one counter was read and not yet the other.
TOLERANCE = 0.05


def topology():
    lines = ["idcs:"]
    lines += [f"  - {{id: {idc}, latitude: {lat}, longitude: {long}}}" for idc, (lat, long) in IDCS.items()]
    lines.append("nodes:")
    lines += [
        f"  - {{id: {idc}-{node}, idc: {idc}, roles: [{roles}], "
        "capacity: {out: 1Gbit, in: 1Gbit, sessions: 1000, cpu: 1}}" for idc in IDCS for node, roles in ROLES.items()]
    lines += ["classes:", "  - {name: world, rtt: great_circle, capacity: 10Gbit, price_per_gb: 0.05}"]
    return "\n".join(lines) + "\n"


class LinksTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        cls.dispatcher = Dispatcher(topology())
        cls.addClassCleanup(cls.dispatcher.stop)
        cls.nodes, cls.idc_of = {}, {}
        for idc in IDCS:
            for role in ROLES:
                name = f"{idc}-{role}"
                cls.idc_of[name] = idc
                cls.nodes[name] = Server(
                    ("threads=1", f"dispatch.servers={cls.dispatcher.address}", f"node.idc={idc}"), node=name)
                cls.addClassCleanup(cls.nodes[name].stop)
        cls.server = cls.nodes["fra-relay"]
        cls.dispatcher.wait_connected(len(cls.nodes))

    def publish_all(self):
        for name, at in STREAMS.items():
            self.program(
                "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i",
                sample(seconds=8), "-c", "copy", "-f", "flv", self.nodes[at].rtmp(name))
            self.nodes[at].wait_live(name)

    def watch_all(self):
        edges = [node for name, node in self.nodes.items() if "edge" in name]
        watchers = [Watcher(edge.flv(name)) for edge in edges for name in STREAMS]
        until(lambda: all(len(watcher.data) > 20_000 for watcher in watchers), "every viewer is served")
        return watchers

    def survey(self):
        return {
            name: (node.api("/api/v1/links")["links"], node.api("/api/v1/streams")["streams"])
            for name, node in self.nodes.items()}

    def test_each_stream_crosses_into_each_idc_once(self):
        self.publish_all()
        watchers = self.watch_all()
        counts = [len(watcher.data) for watcher in watchers]
        before, began = self.survey(), time.monotonic()
        until(lambda: all(len(w.data) > old + BYTES for w, old in zip(watchers, counts)), "all are served", 60)
        after, span = self.survey(), time.monotonic() - began
        found = cluster_links.flows(before, after, self.idc_of)
        self.show(found, span)

        for idc in IDCS:
            wanted = sorted(f"live/{name}" for name, at in STREAMS.items() if self.idc_of[at] != idc)
            into = [flow for flow in found.values() if flow.into == idc]
            self.assertEqual(sorted(name for flow in into for name in flow.entries), wanted, f"enter {idc}, once each")
            weight = sum(
                media + cluster_links.FRAME_HEADER * frames
                for name, (media, frames) in cluster_links.weights(before, after).items() if name in wanted)
            self.assertGreater(weight, 50_000, "the streams weigh something")
            copies = sum(flow.link_bytes for flow in into) / weight
            self.assertAlmostEqual(copies, 1, delta=TOLERANCE, msg=f"copies of the streams that came into {idc}")

        for name, at in STREAMS.items():
            tree = self.dispatcher.tree(f"live/{name}")
            crossings = [node for node, up in tree.items() if up and self.idc_of[node] != self.idc_of[up]]
            entered = sorted(self.idc_of[node] for node in crossings)
            others = sorted(idc for idc in IDCS if idc != self.idc_of[at])
            self.assertEqual(entered, others, f"the dispatcher's tree of {name} enters each other IDC once: {tree}")

    def show(self, found, span):
        print(f"\nover {span:.1f} s:\n{cluster_links.table(found, span)}", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
