#!/usr/bin/env python3
"""Tests of what is pure in tools/cluster and tools/chaos: topologies, figures, limits. Run it; it starts nothing."""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import chaos_report  # noqa: E402
from chaos_report import Limits, Row, outcome, percentile, table  # noqa: E402
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

    def test_the_shipped_file_is_good(self):
        path = HERE.parents[1] / "conf/clusters/three-idcs.yaml"
        topology = read(path.read_text(), path.name)
        self.assertEqual((len(topology.places), len(topology.nodes)), (3, 9))
        self.assertEqual(topology.node("sin-edge-1").parents[0], "sin-relay")


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


if __name__ == "__main__":
    unittest.main()
