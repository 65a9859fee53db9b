"""What tools/lossy does to datagrams: which it drops, delays, holds back and doubles, and when each leaves.

Pure: times and datagrams come in, datagrams that are due go out. Every datagram takes the same number of draws from
its direction's generator, so that the fate of the n-th depends on the seed and on n alone.
"""

import heapq
import random

# What a direction holds back at most, in datagrams and in bytes; what comes beyond is dropped and counted.
QUEUE_DATAGRAMS = 65_536
QUEUE_BYTES = 64 << 20
# Seconds that a datagram chosen for reordering waits longer than its neighbours.
HOLD_BACK = 0.005
# The delay wanders: from one datagram to the next by at most this share of the jitter.
WANDER = 0.2
COUNTS = (
    "received", "received_bytes", "dropped", "overflow", "delayed", "duplicated", "reordered", "sent", "bytes",
    "refused",
)


class Plan:
    """How a link treats what it carries. Percentages are of datagrams, delays in seconds, the rate in bits a second."""

    def __init__(self, loss=0.0, delay=0.0, jitter=0.0, reorder=0.0, duplicate=0.0, rate=None):
        for name, value in (("loss", loss), ("reorder", reorder), ("duplicate", duplicate)):
            if not 0 <= value <= 100:
                raise ValueError(f"--{name} {value:g}: a percentage, from 0 to 100")
        if delay < 0 or jitter < 0:
            raise ValueError("--delay and --jitter are milliseconds, from 0 on")
        if jitter > delay:
            raise ValueError("--jitter is more than --delay: nothing arrives before it was sent")
        if rate is not None and rate <= 0:
            raise ValueError("--rate is megabits per second, above 0")
        self.loss = loss / 100
        self.delay = delay
        self.jitter = jitter
        self.reorder = reorder / 100
        self.duplicate = duplicate / 100
        self.rate = rate


class Direction:
    """One way of the relay: what came in and is not due yet, and the counts.

    Datagrams leave in the order they came in, but for those that are held back to be overtaken: jitter alone
    reorders nothing, as in a network, where it is a queue that grows and shrinks.
    `received + duplicated == sent + refused + dropped + overflow + len(waiting)` always holds.
    """

    def __init__(self, plan, seed):
        self.plan = plan
        self.random = random.Random(seed)
        self.counts = dict.fromkeys(COUNTS, 0)
        self.waiting = []
        self.waiting_bytes = 0
        self.number = 0
        self.wander = 0.0
        # When the newest datagram that is not held back leaves, and when the line is free again.
        self.newest = 0.0
        self.free = 0.0

    def take(self, datagram, way, now):
        """A datagram has come in that is to leave by `way`, whatever that means to the caller."""
        plan, counts, draw = self.plan, self.counts, self.random.random
        lost, held, doubled, step = draw(), draw(), draw(), draw()
        size = len(datagram)
        counts["received"] += 1
        counts["received_bytes"] += size
        self.wander = min(1.0, max(-1.0, self.wander + (2 * step - 1) * WANDER))
        if lost < plan.loss:
            counts["dropped"] += 1
            return
        departure = now
        if plan.rate:
            self.free = departure = max(now, self.free) + size * 8 / plan.rate
        due = departure + plan.delay + plan.jitter * self.wander
        if plan.delay or plan.jitter:
            counts["delayed"] += 1
        if held < plan.reorder:
            counts["reordered"] += 1
            due = max(due, self.newest) + HOLD_BACK
        else:
            self.newest = due = max(due, self.newest)
        self._queue(due, datagram, way)
        if doubled < plan.duplicate:
            counts["duplicated"] += 1
            self._queue(due, datagram, way)

    def _queue(self, due, datagram, way):
        if len(self.waiting) >= QUEUE_DATAGRAMS or self.waiting_bytes + len(datagram) > QUEUE_BYTES:
            self.counts["overflow"] += 1
            return
        # The number keeps the order among equals, and datagrams out of the comparison.
        self.number += 1
        self.waiting_bytes += len(datagram)
        heapq.heappush(self.waiting, (due, self.number, datagram, way))

    def due(self):
        """When the next datagram leaves; None while there is none."""
        return self.waiting[0][0] if self.waiting else None

    def next(self, now):
        """The next datagram that is due, with its way, or None. The caller counts it: `sent` or `refused`."""
        if not self.waiting or self.waiting[0][0] > now:
            return None
        _, _, datagram, way = heapq.heappop(self.waiting)
        self.waiting_bytes -= len(datagram)
        return datagram, way

    def report(self):
        return {**self.counts, "waiting": len(self.waiting)}


def directions(plan, seed, ways="both"):
    """Towards the target and back, each with a generator of its own: what one carries changes nothing for the other.

    With `ways` "to" or "from" the plan is for that direction alone, and the other one is a good line.
    """
    onward, back = (plan if ways in ("both", way) else Plan() for way in ("to", "from"))
    return Direction(onward, f"{seed} to the target"), Direction(back, f"{seed} from the target")


def parse_address(text):
    """`host:port` or `[v6]:port`."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text}: write it as host:port, or [address]:port for IPv6")
    return host.strip("[]"), int(port)
