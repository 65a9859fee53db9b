#!/usr/bin/env python3
"""Tests of what is pure in tools/cluster and tools/chaos: topologies, figures, limits. Run it; it starts nothing."""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import chaos_report  # noqa: E402
import cluster_links  # noqa: E402
import cluster_transport  # noqa: E402
from chaos_report import Limits, Row, outcome, percentile, table  # noqa: E402
from cluster_dispatch import bits, topology_file  # noqa: E402
from cluster_topology import TopologyError, read  # noqa: E402

SMALL = """
rate: 1gbit
settings: {threads: 1, relay: {dead_after: 500ms}}
idcs: [{id: a, latitude: 50, longitude: 8}, {id: b, latitude: 48, longitude: 2}, {id: c, latitude: 1, longitude: 104}]
nodes:
  - {id: ra, idc: a, roles: [ingest, relay]}
  - {id: rb, idc: b, roles: [relay], rate: 5mbit, settings: {threads: 2}}
  - {id: rc, idc: c, roles: [ingest, relay]}
  - {id: eb, idc: b, roles: [edge]}
  - {id: ec, idc: c, roles: [edge], parents: [ra]}
"""
# Without the parents that the last line names.
DISPATCHED = SMALL.replace(", parents: [ra]", "") + "dispatchers: 2\n"


def interval(start, stalls, **more):
    values = {**{key: 0 for key in chaos_report.COUNTS}, "viewers": len(stalls), "playing": len(stalls)}
    return {
        **values, "from_s": start, "until_s": start + 0.25, "stalls_ms": stalls, "longest_stall_ms": max(stalls),
        "publish_gap_max_ms": 40, "publish_delay_max_ms": 1, **more}


class TopologyTest(unittest.TestCase):
    def test_an_edge_asks_its_own_relays_first_and_then_the_nearest(self):
        topology = read(SMALL, "small")
        self.assertEqual(topology.node("eb").parents, ["rb", "ra", "rc"])
        self.assertEqual(topology.node("rb").parents, ["ra", "rc"])
        self.assertEqual(topology.node("ra").parents, ["rc"])

    def test_parents_that_are_named_stay(self):
        self.assertEqual(read(SMALL, "small").node("ec").parents, ["ra"])

    def test_settings_of_a_node_go_over_those_of_the_file(self):
        topology = read(SMALL, "small")
        self.assertEqual(topology.node("rb").settings, {"threads": "2", "relay.dead_after": "500ms"})
        self.assertEqual((topology.node("ra").rate, topology.node("rb").rate), ("1gbit", "5mbit"))

    def test_mistakes_are_named_with_their_place(self):
        for text, words in (
            (SMALL.replace("idc: a,", "idc: x,"), ("nodes[0]", "ra", "'x'")),
            (SMALL.replace("id: eb", "id: ra"), ("ra", "twice")),
            (SMALL.replace("parents: [ra]", "parents: [rx]"), ("ec", "'rx'")),
            (SMALL.replace("parents: [ra]", "parents: [ec]"), ("ec", "no other node")),
            (SMALL.replace("roles: [edge]}", "roles: [egde]}"), ("nodes[3]", "roles")),
            (SMALL.replace("5mbit", "5 MB/s"), ("rb", "rate")),
            (SMALL.replace("latitude: 50", "latitude: 95"), ("idcs[0]", "latitude")),
            (SMALL.replace("rate: 1gbit", "speed: 1gbit"), ("speed",)),
            ("idcs: [", ("YAML",)),
            ("[]", ("idcs",)),
        ):
            with self.assertRaises(TopologyError) as caught:
                read(text, "file.yaml")
            for word in ("file.yaml", *words):
                self.assertIn(word, str(caught.exception))

    def test_the_shipped_files_are_good(self):
        for name, dispatchers in (
            ("three-idcs.yaml", 0), ("three-idcs-dispatched.yaml", 2), ("three-idcs-mixed.yaml", 2)):
            topology = read((HERE.parents[1] / "conf/clusters" / name).read_text(), name)
            self.assertEqual((len(topology.places), len(topology.nodes)), (3, 9))
            self.assertEqual(len(topology.dispatchers), dispatchers)
            self.assertEqual(topology.node("sin-edge-1").parents[0], "sin-relay")


class DispatchersTest(unittest.TestCase):
    def test_a_number_of_dispatchers_names_them(self):
        topology = read(DISPATCHED, "small")
        self.assertEqual([each.id for each in topology.dispatchers], ["dispatch-1", "dispatch-2"])
        self.assertEqual([each.id for each in topology.machines][-3:], ["ec", "dispatch-1", "dispatch-2"])
        self.assertEqual(topology.dispatchers[0].rate, "1gbit")

    def test_a_list_of_dispatchers_says_more_of_each(self):
        text = DISPATCHED.replace("2\n", "[{id: d, rate: 5mbit, settings: {log: {level: debug}}}]\n")
        [found] = read(text, "small").dispatchers
        self.assertEqual((found.id, found.rate, found.settings), ("d", "5mbit", {"log.level": "debug"}))

    def test_mistakes_are_named_with_their_place(self):
        for text, words in (
            (SMALL + "dispatchers: 2\n", ("ec", "parents")),
            (DISPATCHED.replace("2\n", "[{id: ra}]\n"), ("'ra'", "twice")),
            (DISPATCHED.replace("2\n", "many\n"), ("dispatchers", "number")),
            (DISPATCHED.replace("2\n", "10\n"), ("up to 9",)),
            (DISPATCHED.replace("2\n", "[{id: d, idc: a}]\n"), ("dispatchers[0]", "'idc'")),
            (DISPATCHED + "links: {}\nclasses: fast\n", ("links", "conf/topology.yaml")),
        ):
            with self.assertRaises(TopologyError) as caught:
                read(text, "file.yaml")
            for word in ("file.yaml", *words):
                self.assertIn(word, str(caught.exception))

    def test_their_topology_says_what_the_map_says(self):
        import yaml

        text = DISPATCHED.replace("roles: [relay],", "roles: [relay], capacity: {out: 2Mbit, sessions: 7},")
        written = yaml.safe_load(topology_file(read(text, "small")))
        self.assertEqual(written["idcs"][0], {"id": "a", "latitude": 50, "longitude": 8})
        [ra, rb] = written["nodes"][:2]
        self.assertEqual((ra["id"], ra["idc"], ra["roles"]), ("ra", "a", ["ingest", "relay"]))
        self.assertEqual((ra["capacity"]["out"], ra["capacity"]["in"]), ("1Gbit", "1Gbit"))
        self.assertEqual(rb["capacity"], {"out": "2Mbit", "in": "5Mbit", "sessions": 7, "cpu": 1})
        self.assertNotIn("links", written)
        self.assertGreater(written["classes"][0]["price_per_gb"], 0)

    def test_links_and_classes_of_the_file_go_to_them(self):
        import yaml

        more = "links: [{from: a, to: b, rtt: 9ms}]\nclasses: [{name: far, rtt: 80ms}]\n"
        written = yaml.safe_load(topology_file(read(DISPATCHED + more, "small")))
        self.assertEqual(written["links"], [{"from": "a", "to": "b", "rtt": "9ms"}])
        self.assertEqual(written["classes"], [{"name": "far", "rtt": "80ms"}])

    def test_rates_are_spelt_as_the_topology_does(self):
        self.assertEqual([bits("200mbit"), bits("1.5gbit"), bits("64kbit")], ["200Mbit", "1.5Gbit", "64kbit"])


class TransportTest(unittest.TestCase):
    """a talks to b over SRT one way, to c over TLS both ways, and inside itself in the clear."""

    MIXED = SMALL.replace("longitude: 8}", "longitude: 8, region: eu, transport: tcp}") + (
        "links: [{from: a, to: b, transport: srt}, {from: b, to: c, both: true, rtt: 9ms}]\n"
        "classes: [{name: one, from: region eu, to: idc c, both: true, transport: tls}, {name: rest, transport: srt}]\n")

    def mixed(self, over=None, more=""):
        return read(self.MIXED + more, "mixed", over)

    def test_links_go_before_the_first_class_that_fits_and_a_data_centre_says_what_holds_inside(self):
        topology = self.mixed()
        ways = {
            (a.id, b.id): cluster_transport.asked(topology, a, b)
            for a in topology.places.values() for b in topology.places.values()}
        self.assertEqual(ways, {
            ("a", "a"): "tcp", ("a", "b"): "srt", ("a", "c"): "tls", ("b", "a"): "srt", ("b", "b"): None,
            ("b", "c"): None, ("c", "a"): "tls", ("c", "b"): None, ("c", "c"): None})

    def test_a_node_listens_for_what_its_links_use_each_on_a_port_of_its_own(self):
        found = {node.id: node.transports for node in self.mixed().nodes}
        self.assertEqual(found["ra"], ("tls", "tcp", "srt"))
        self.assertEqual(found["rb"], ("tcp", "srt"))
        self.assertEqual(found["rc"], ("tls", "tcp"))
        ports = self.mixed().node("rc").ports
        self.assertEqual(ports, ("rtmp", "http", "api", "relay_tls", "relay"))

    def test_a_parent_is_dialled_over_what_the_link_from_it_asks_for_or_else_the_best_that_it_has(self):
        topology = self.mixed()
        for parent, child, wanted in (
            ("ra", "eb", "srt"), ("ra", "ec", "tls"), ("rc", "ra", "tls"), ("rc", "eb", "tls"), ("rb", "ec", "tcp")):
            self.assertEqual(topology.transport(topology.node(parent), topology.node(child)), wanted, (parent, child))

    def test_dispatchers_get_the_words_of_the_file_and_are_reached_over_tls_where_any_link_is(self):
        import yaml

        topology = read(self.MIXED.replace(", parents: [ra]", "") + "dispatchers: 1\n", "mixed")
        self.assertEqual(topology.dispatchers[0].ports, ("dispatch_tls", "api"))
        written = yaml.safe_load(topology_file(topology))
        self.assertEqual(written["idcs"][0], {
            "id": "a", "latitude": 50, "longitude": 8, "region": "eu", "transport": "tcp"})
        self.assertEqual(written["links"][0]["transport"], "srt")
        self.assertEqual(written["classes"][1]["transport"], "srt")
        self.assertEqual(read(DISPATCHED, "small").dispatchers[0].ports, ("dispatch", "api"))

    def test_one_transport_for_all_goes_over_whatever_the_file_says(self):
        for over in cluster_transport.NAMES:
            topology = self.mixed(over)
            self.assertEqual({node.transports for node in topology.nodes}, {(over,)})
            self.assertEqual(topology.transport(topology.node("ra"), topology.node("eb")), over)
            self.assertNotIn("transport", topology_file(topology))
            self.assertEqual({node.transports for node in read(SMALL, "small", over).nodes}, {(over,)})

    def test_a_file_without_a_word_of_it_talks_in_the_clear(self):
        self.assertEqual({node.transports for node in read(SMALL, "small").nodes}, {("tcp",)})

    def test_mistakes_are_named_with_their_place(self):
        for text, words in (
            (self.MIXED.replace("transport: tcp", "transport: udp"), ("idcs[0]", "'udp'", "srt")),
            (self.MIXED.replace("transport: srt}, {from", "transport: quic}, {from"), ("links[0]", "'quic'")),
            (self.MIXED.replace("transport: srt}]", "transport: [tls]}]"), ("classes[1]", "transport")),
            (SMALL + "links: [fast]\n", ("links[0]", "conf/topology.yaml")),
        ):
            with self.assertRaises(TopologyError) as caught:
                read(text, "file.yaml")
            for word in ("file.yaml", *words):
                self.assertIn(word, str(caught.exception))


def published(name, media, frames):
    return {
        "app": "live", "name": name, "publisher": {"protocol": "rtmp"}, "bytesIn": media, "framesVideo": frames,
        "framesAudio": 0}


def pulled(name, parent):
    return {**published(name, 0, 0), "upstream": {"parent": parent}}


def link(session, node, count):
    return {"session": session, "node": node, "bytesIn": count}


class LinksTest(unittest.TestCase):
    """Two data centres: i publishes in a, r and e are in b."""

    IDCS = {"i": "a", "r": "b", "e": "b"}
    BEFORE = {"i": ([], [published("s", 1000, 10)]), "r": ([link("1", "i", 500)], []), "e": ([], [])}
    # 90,000 bytes in 100 frames: 94,000 on a link.
    ORIGIN = ([link("9", "r", 60)], [published("s", 91_000, 110)])

    def flow(self, after):
        return cluster_links.flows(self.BEFORE, after, self.IDCS)

    def test_a_stream_that_enters_once_weighs_as_much_as_its_frames_with_their_headers(self):
        found = self.flow({
            "i": self.ORIGIN, "r": ([link("1", "i", 94_500)], [pulled("s", "i")]),
            "e": ([link("2", "r", 94_000)], [pulled("s", "r")])})
        flow = found["b", "a"]
        self.assertEqual((flow.entries, flow.link_bytes, flow.media_bytes), (["live/s"], 94_000, 90_000))
        self.assertEqual((flow.wire_bytes, flow.copies), (94_000, 1))
        self.assertEqual(cluster_links.verdict(found), [])
        self.assertNotIn(("a", "b"), [key for key, each in found.items() if each.entries])
        self.assertIn("once", cluster_links.table(found, 10))

    def test_a_second_copy_is_seen_by_its_entry_and_by_its_bytes(self):
        found = self.flow({
            "i": self.ORIGIN, "r": ([link("1", "i", 94_500)], [pulled("s", "i")]),
            "e": ([link("2", "i", 94_000)], [pulled("s", "i")])})
        self.assertEqual(found["b", "a"].copies, 2)
        self.assertEqual(cluster_links.doubled(found), [("b", "live/s")])
        words = cluster_links.table(found, 10)
        self.assertIn("more than once", words)
        self.assertIn("2.00 copies", words)

    def test_a_node_that_does_not_answer_carries_nothing(self):
        self.assertEqual(self.flow({"i": ([], []), "r": ([], []), "e": ([], [])}), {})


class ReportTest(unittest.TestCase):
    def test_percentiles_are_values_that_were_seen(self):
        self.assertEqual(percentile(range(1, 101), 0.99), 99)
        self.assertEqual(percentile([7], 0.5), 7)
        self.assertEqual(percentile([], 0.99), 0)

    def test_a_fault_is_what_its_intervals_saw_viewer_by_viewer(self):
        seen = outcome("r", "12:00", 10.1, 11, [
            interval(10, [40, 150, 41]), interval(10.25, [40, 610, 42], lost=2), interval(10.5, [43, 40, 90])],
            {1, 2}, 200)
        self.assertEqual((seen.stalls, seen.others), ([610, 90], [43]))
        self.assertEqual((seen.lost, seen.doubled), (2, 0))
        self.assertAlmostEqual(seen.recovered_s, 0.4)

    def test_a_fault_that_nobody_noticed_recovered_at_once(self):
        self.assertEqual(outcome("r", "", 10, 11, [interval(10, [40])], {0}, 200).recovered_s, 0)

    def test_limits_that_are_missed_are_told(self):
        seen = outcome("r", "", 10, 11, [interval(10, [400], lost=1)], {0}, 200)
        row = Row("kill-relay", Limits(lost=0, stall_p99_ms=300), [seen])
        self.assertEqual(len(row.misses()), 2)
        self.assertIn("lost", table([row]))
        self.assertEqual(Row("x", Limits(stall_max_ms=1200), [seen]).misses(), [])

    def test_an_encoders_absence_is_its_own(self):
        seen = outcome("r", "", 10, 11, [interval(10, [1500], publish_gap_max_ms=1400)], {0}, 200)
        self.assertEqual(Row("kill-ingest", Limits(stall_over_gap_ms=300), [seen]).misses(), [])
        self.assertEqual(len(Row("kill-ingest", Limits(stall_over_gap_ms=50), [seen]).misses()), 1)

    def test_what_happens_outside_the_faults_is_told_apart(self):
        book, seen = chaos_report.Book(), interval(10, [40], lost=3)
        row = book.row("kill-relay", Limits(lost=2))
        row.outcomes.append(outcome("r", "", 10, 11, [interval(10, [40], lost=2)], {0}, 200))
        book.close_round([seen], row.outcomes, {"nodes": 0.5}, 10)
        book.close_round([interval(10, [40])], [], {"nodes": 1.0}, 10)
        self.assertEqual((book.between["lost"], book.is_kept), (1, True))
        self.assertEqual(book.figures()["cpu"], {"nodes": 0.75})

    def test_every_fault_has_limits_and_a_line_of_help(self):
        from chaos_faults import FAULTS

        text = (HERE.parent / "chaos").read_text()
        for name, fault in FAULTS.items():
            self.assertIn(f"  {name} ", text)
            self.assertIsInstance(fault.limits, chaos_report.Limits)

    def test_a_fault_that_the_cluster_cannot_have_says_why(self):
        from types import SimpleNamespace as Values

        from chaos_faults import FAULTS, REDUNDANT, limits, why_not

        cluster = Values(network=Values(cannot_cut="needs root"), dispatchers={"d": None})
        self.assertIn("root", why_not(FAULTS["cut-relay"], cluster))
        self.assertIn("dispatchers: 2", why_not(FAULTS["kill-dispatcher"], cluster))
        self.assertIsNone(why_not(FAULTS["kill-dispatchers"], cluster))
        self.assertIsNone(why_not(FAULTS["kill-relay"], cluster))
        self.assertEqual(limits(FAULTS["kill-relay-undispatched"], 2), REDUNDANT)
        self.assertEqual(limits(FAULTS["kill-dispatchers"], 2), FAULTS["kill-dispatchers"].limits)


if __name__ == "__main__":
    unittest.main()
