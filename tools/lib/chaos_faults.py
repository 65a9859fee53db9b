"""The faults of tools/chaos: what is done to which node, how it is undone, and what it may cost.

The limits are those that the network is built for: a relay that dies or leaves costs no frame and 300 ms at the 99th
percentile of the viewers that hung on it, one that falls silent 1.2 s, either of them 100 ms where streams come from
two parents at once, and an ingest node no more than its encoders' own reconnecting.
"""

import signal
from dataclasses import dataclass
from typing import Callable

from chaos_report import Limits
from cluster_nodes import until

DEAD = Limits(lost=0, stall_p99_ms=300)
SILENT = Limits(lost=0, stall_max_ms=1200)
# With relay.redundancy 2: nobody has to notice the death of one of two parents.
REDUNDANT = Limits(lost=0, stall_p99_ms=100)
# What is in the sockets of a killed ingest node is gone, and its encoders' time away is their own.
INGEST = Limits(stall_over_gap_ms=300)
# Viewers of an edge that restarts have to connect again.
ROLLING = Limits(disconnects=None)


@dataclass
class Fault:
    name: str
    # relay: one without encoders that carries streams; ingest: one with encoders; turn: each node after the other.
    victim: str
    limits: Limits
    inject: Callable
    restore: Callable
    needs_cut: bool = False


def kill(cluster, node):
    node.kill()


def start(cluster, node):
    # A drain may still be going on.
    node.reap()
    cluster.restart(node)


def freeze(cluster, node):
    node.signal(signal.SIGSTOP)


def thaw(cluster, node):
    node.signal(signal.SIGCONT)


def cut(cluster, node):
    cluster.network.cut(node.spec.id)


def mend(cluster, node):
    cluster.network.mend(node.spec.id)


def drain(cluster, node):
    node.signal(signal.SIGTERM)


def restart(cluster, node):
    drain(cluster, node)
    until(lambda: not node.is_running, f"{node.spec.id} has drained", 15)
    cluster.restart(node)


def nothing(cluster, node):
    pass


def limits(fault, redundancy):
    """What a fault may cost in a network whose streams come from so many parents at once."""
    return REDUNDANT if fault.victim == "relay" and redundancy > 1 else fault.limits


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill-relay", "relay", DEAD, kill, start),
        Fault("freeze-relay", "relay", SILENT, freeze, thaw),
        Fault("cut-relay", "relay", SILENT, cut, mend, needs_cut=True),
        Fault("drain-relay", "relay", DEAD, drain, start),
        Fault("kill-ingest", "ingest", INGEST, kill, start),
        Fault("restart", "turn", ROLLING, restart, nothing),
    )
}
