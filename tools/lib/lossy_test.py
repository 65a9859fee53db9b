#!/usr/bin/env python3
"""Tests of tools/lossy: what happens to datagrams, with times handed in, and its sockets once with real datagrams."""

import pathlib
import socket
import sys
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import lossy  # noqa: E402
from lossy import Direction, Plan, directions, parse_address  # noqa: E402
from lossy_relay import Relay  # noqa: E402

BAD = {"loss": 5, "delay": 0.080, "jitter": 0.010, "reorder": 1, "duplicate": 1}


def carry(direction, count, every=0.001, start=100.0):
    """Sends `count` numbered datagrams, one each millisecond; what came out, as (number, seconds on the way)."""
    out = []
    for index in range(count):
        now = start + index * every
        while leaving := direction.next(now):
            out.append((int(leaving[0]), now - (start + int(leaving[0]) * every)))
        direction.take(str(index).encode(), None, now)
    while direction.waiting:
        now = direction.due()
        datagram, _ = direction.next(now)
        out.append((int(datagram), now - (start + int(datagram) * every)))
    return out


class DirectionTest(unittest.TestCase):
    def test_a_good_line_carries_everything_at_once(self):
        direction = Direction(Plan(), 1)
        self.assertEqual([number for number, _ in carry(direction, 1000)], list(range(1000)))
        self.assertEqual(direction.counts["received"], 1000)
        for name in ("dropped", "delayed", "reordered", "duplicated", "overflow"):
            self.assertEqual(direction.counts[name], 0, name)

    def test_shares_are_those_asked_for(self):
        direction = Direction(Plan(**BAD), 7)
        out = carry(direction, 100_000)
        counts = direction.counts
        self.assertAlmostEqual(counts["dropped"] / 100_000, 0.05, delta=0.003)
        self.assertAlmostEqual(counts["reordered"] / counts["delayed"], 0.01, delta=0.002)
        self.assertAlmostEqual(counts["duplicated"] / counts["delayed"], 0.01, delta=0.002)
        self.assertEqual(len(out), 100_000 - counts["dropped"] + counts["duplicated"])

    def test_the_same_seed_is_the_same_fate_whatever_the_times(self):
        fates = []
        for every in (0.001, 0.004):
            direction = Direction(Plan(**BAD), 3)
            out = carry(direction, 5000, every)
            fates.append((sorted(number for number, _ in out), dict(direction.counts)))
        self.assertEqual(fates[0], fates[1])
        other = Direction(Plan(**BAD), 4)
        self.assertNotEqual(sorted(number for number, _ in carry(other, 5000)), fates[0][0])

    def test_the_two_ways_differ(self):
        onward, back = directions(Plan(loss=50), 1)
        self.assertNotEqual(carry(onward, 200), carry(back, 200))

    def test_one_way_may_be_a_good_line(self):
        onward, back = directions(Plan(loss=100), 1, "from")
        self.assertEqual(len(carry(onward, 200)), 200)
        self.assertEqual(len(carry(back, 200)), 0)

    def test_more_loss_loses_the_same_and_more(self):
        few = {number for number, _ in carry(Direction(Plan(loss=5), 9), 2000)}
        fewer = {number for number, _ in carry(Direction(Plan(loss=20), 9), 2000)}
        self.assertLess(fewer, few)

    def test_jitter_moves_the_delay_within_its_bounds_and_reorders_nothing(self):
        out = carry(Direction(Plan(delay=0.080, jitter=0.010), 5), 20_000)
        self.assertEqual([number for number, _ in out], list(range(20_000)))
        delays = [delay for _, delay in out]
        self.assertGreater(min(delays), 0.0699)
        self.assertLess(max(delays), 0.0911)
        self.assertGreater(max(delays) - min(delays), 0.015)

    def test_what_is_held_back_is_overtaken(self):
        direction = Direction(Plan(delay=0.020, reorder=2), 5)
        numbers = [number for number, _ in carry(direction, 5000)]
        overtaken = sum(1 for before, after in zip(numbers, numbers[1:]) if after < before)
        self.assertGreater(overtaken, 0.8 * direction.counts["reordered"])
        self.assertEqual(sorted(numbers), list(range(5000)))

    def test_a_rate_spreads_a_burst(self):
        direction = Direction(Plan(rate=8e6), 1)
        for _ in range(100):
            direction.take(bytes(1000), None, 50.0)
        self.assertIsNone(direction.next(50.0))
        sent = 0
        while direction.next(50.0501):
            sent += 1
        self.assertEqual(sent, 50)

    def test_what_waits_is_bounded_and_the_sums_hold(self):
        direction = Direction(Plan(delay=1, duplicate=10), 1)
        for _ in range(lossy.QUEUE_DATAGRAMS + 1000):
            direction.take(b"x", None, 0.0)
        self.assertEqual(len(direction.waiting), lossy.QUEUE_DATAGRAMS)
        counts = direction.counts
        self.assertEqual(
            counts["received"] + counts["duplicated"],
            counts["dropped"] + counts["overflow"] + direction.report()["waiting"])

    def test_impossible_plans_are_refused(self):
        for wrong in ({"loss": 101}, {"loss": -1}, {"delay": 0.01, "jitter": 0.02}, {"rate": 0}, {"delay": -1}):
            with self.assertRaises(ValueError, msg=str(wrong)):
                Plan(**wrong)

    def test_addresses(self):
        self.assertEqual(parse_address("127.0.0.1:9000"), ("127.0.0.1", 9000))
        self.assertEqual(parse_address("[::1]:9000"), ("::1", 9000))
        for wrong in ("9000", "host:", "host:x", "host:70000"):
            with self.assertRaises(ValueError, msg=wrong):
                parse_address(wrong)


class RelayTest(unittest.TestCase):
    def test_clients_are_told_apart_and_answered(self):
        target = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        target.bind(("127.0.0.1", 0))
        target.settimeout(10)
        relay = Relay(("127.0.0.1", 0), target.getsockname(), *directions(Plan(delay=0.002), 1))
        thread = threading.Thread(target=relay.run, args=(time.monotonic() + 30,))
        thread.start()
        clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
        try:
            for index, client in enumerate(clients):
                client.settimeout(10)
                client.sendto(b"from %d" % index, relay.address)
            seen = {}
            for _ in clients:
                datagram, address = target.recvfrom(100)
                seen[datagram] = address
                target.sendto(b"to " + datagram[-1:], address)
            self.assertEqual(len(set(seen.values())), 3)
            for index, client in enumerate(clients):
                self.assertEqual(client.recvfrom(100), (b"to %d" % index, relay.address))
        finally:
            relay.is_over = True
            thread.join()
            report = relay.report()
            relay.close()
            for each in [target, *clients]:
                each.close()
        self.assertEqual(report["clients"], 3)
        self.assertEqual((report["to_target"]["sent"], report["from_target"]["sent"]), (3, 3))


if __name__ == "__main__":
    unittest.main()
