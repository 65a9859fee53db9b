"""The faults of tools/chaos: what is done to which program, how it is undone, and what it may cost.

The limits are those that the network is built for: a relay that dies or leaves costs no frame and 300 ms at the 99th
percentile of the viewers that hung on it, one that falls silent 1.2 s, either of them 100 ms where streams come from
two parents at once, an ingest node no more than its encoders' own reconnecting, and a dispatcher nothing: nobody is to
notice.
"""

import signal
from dataclasses import dataclass
from typing import Callable

from chaos_report import Limits
from cluster_process import until

DEAD = Limits(lost=0, stall_p99_ms=300)
SILENT = Limits(lost=0, stall_max_ms=1200)
# With relay.redundancy 2: nobody has to notice the death of one of two parents.
REDUNDANT = Limits(lost=0, stall_p99_ms=100)
# What is in the sockets of a killed ingest node is gone, and its encoders' time away is their own.
INGEST = Limits(stall_over_gap_ms=300)
# Viewers of an edge that restarts have to connect again.
ROLLING = Limits(disconnects=None)
# No pause that the encoders have not made themselves, for want of the processor; pictures are 40 ms apart.
UNNOTICED = Limits(lost=0, stall_over_gap_ms=60)


@dataclass
class Fault:
    name: str
    # relay: one without encoders that carries streams; ingest: one with encoders; turn: each program after the other;
    # dispatcher: one of them; dispatchers: all.
    victim: str
    limits: Limits
    inject: Callable
    restore: Callable
    needs_cut: bool = False
    # All dispatchers are killed a moment before, and started again at the end.
    undispatched: bool = False
    # Dispatchers that the cluster must have.
    dispatchers: int = 0
    # At least so many seconds.
    lasts: float = 1.5

    @property
    def settles(self):
        """Whether dispatchers come back, and with them what they might do to streams that run."""
        return self.dispatchers > 0


def kill(cluster, program):
    program.kill()


def start(cluster, program):
    # A drain may still be going on.
    program.reap()
    cluster.restart(program)


def freeze(cluster, program):
    program.signal(signal.SIGSTOP)


def thaw(cluster, program):
    program.signal(signal.SIGCONT)


def cut(cluster, program):
    cluster.network.cut(program.spec.id)


def mend(cluster, program):
    cluster.network.mend(program.spec.id)


def drain(cluster, program):
    program.signal(signal.SIGTERM)


def restart(cluster, program):
    drain(cluster, program)
    until(lambda: not program.is_running, f"{program.spec.id} has drained", 15)
    cluster.restart(program)


def nothing(cluster, program):
    pass


def limits(fault, redundancy):
    """What a fault may cost in a network whose streams come from so many parents at once."""
    return REDUNDANT if fault.victim == "relay" and redundancy > 1 else fault.limits


def why_not(fault, cluster):
    """Why the fault cannot be had in this cluster, or None."""
    if fault.needs_cut and cluster.network.cannot_cut:
        return cluster.network.cannot_cut
    if len(cluster.dispatchers) < fault.dispatchers:
        return f"needs `dispatchers: {fault.dispatchers}` in the file"
    return None


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill-relay", "relay", DEAD, kill, start),
        Fault("freeze-relay", "relay", SILENT, freeze, thaw),
        Fault("cut-relay", "relay", SILENT, cut, mend, needs_cut=True),
        Fault("drain-relay", "relay", DEAD, drain, start),
        Fault("kill-ingest", "ingest", INGEST, kill, start),
        Fault("restart", "turn", ROLLING, restart, nothing),
        Fault("kill-dispatcher", "dispatcher", UNNOTICED, kill, start, dispatchers=2),
        Fault("kill-dispatchers", "dispatchers", UNNOTICED, kill, start, dispatchers=1, lasts=4),
        Fault("freeze-dispatchers", "dispatchers", UNNOTICED, freeze, thaw, dispatchers=1, lasts=4),
        Fault("kill-relay-undispatched", "relay", DEAD, kill, start, undispatched=True, dispatchers=1),
    )
}
