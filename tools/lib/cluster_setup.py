"""What tools/cluster and tools/chaos share before anything starts: packages, arguments, and the network."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = 'cd "$0" && . tools/lib/packages.sh && need_packages "$@"'


def need_packages(module, *packages):
    """Installs Debian packages when a Python module or a program is missing, in the manner of tools/lib/packages.sh."""
    if is_here(module):
        return
    done = subprocess.run(["bash", "-euc", SCRIPT, str(ROOT), *packages], stdout=sys.stderr)
    if done.returncode or not is_here(module):
        print(
            f"{os.path.basename(sys.argv[0])}: this needs {' '.join(packages)}; install that and run this again with "
            "the system's python3", file=sys.stderr)
        sys.exit(1)


def is_here(module):
    if shutil.which(module):
        return True
    try:
        __import__(module)
    except ImportError:
        return False
    return True


def add_arguments(parser):
    parser.add_argument("file", metavar="FILE", help="the topology, such as conf/clusters/three-idcs.yaml")
    parser.add_argument(
        "--bin", metavar="DIR", default=str(ROOT / ".build/release"), help="where sluice is (.build/release)")
    parser.add_argument(
        "--namespaces", action="store_true",
        help="a network of its own: a namespace a node, joined by veth to a bridge, tbf-limited; needs root")
    parser.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], help="a setting of every node, over the file's")
    parser.add_argument(
        "--transport", choices=("tcp", "tls", "srt"),
        help="what all links talk over, whatever the file says of them (its `transport`, or tcp); certificates for tls "
        "and a secret for srt are made")
    parser.add_argument("--logs", metavar="DIR", help="keep the nodes' logs there")
    parser.add_argument("--json", action="store_true", help="one JSON line on the standard output for programs")


def pairs(settings):
    """--set arguments as pairs."""
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"--set {setting}: write it as KEY=VALUE")
        yield key, value


class Interrupted(Exception):
    """Ctrl-C or SIGTERM: everything is to be taken down in order."""


def catch_signals():
    def stop(number, frame):
        # Once is enough: what follows is the taking down.
        for each in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted()

    for each in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(each, stop)


def open_cluster(options):
    """The cluster that the arguments describe, not yet started."""
    from cluster_network import Loopback, Namespaces
    from cluster_nodes import Cluster
    from cluster_topology import read

    path = pathlib.Path(options.file)
    topology = read(path.read_text(), options.file, options.transport)
    network = (Namespaces if options.namespaces else Loopback)(topology)
    binary = pathlib.Path(options.bin).resolve() / "sluice"
    return Cluster(topology, network, str(binary), options.logs, pairs(options.set))
