"""What the links of a cluster talk over: plain TCP, TLS or SRT; each as the file asks, or all alike.

Pure. `transport` stands in the file where conf/topology.yaml has it, at data centres, links and classes of links, and
means what it means to a dispatcher; it counts without dispatchers, too, where the file's map chooses the parents.
"""

# Best first, for links about which the file says nothing: as a dispatcher chooses.
NAMES = ("tls", "tcp", "srt")
# A node's port for each, and the setting behind every port's name; other ports are called as their sections.
RELAY_PORTS = {"tcp": "relay", "tls": "relay_tls", "srt": "relay_srt"}
LISTEN = {
    "relay_tls": "relay.tls_listen", "relay_srt": "relay.srt_listen", "dispatch_tls": "dispatch.tls_listen"}
# Ports over UDP.
DATAGRAM = ("relay_srt",)


def covers(scope, place):
    """Whether one end of a class, such as `idc fra`, is at this data centre."""
    kind, _, name = str(scope or "anywhere").partition(" ")
    return kind == "anywhere" or name == (place.id if kind == "idc" else place.region)


def asked(topology, parent, child):
    """What the file asks for on the way of a stream from the one data centre to the other, or None."""
    if topology.over:
        return topology.over
    if parent.id == child.id:
        return parent.transport
    for link in topology.links:
        ends = [link.get("from"), link.get("to")]
        if ends == [parent.id, child.id] or (link.get("both") is True and ends == [child.id, parent.id]):
            return link.get("transport")
    for each in topology.classes:
        ways = [(parent, child), (child, parent)] if each.get("both") is True else [(parent, child)]
        if any(covers(each.get("from"), one) and covers(each.get("to"), other) for one, other in ways):
            return each.get("transport")
    return None


def offered(topology, place):
    """What nodes of a data centre have to listen for, best first: whatever their links use."""
    found = {asked(topology, place, other) or "tcp" for other in topology.places.values()}
    return tuple(name for name in NAMES if name in found)


def between(topology, parent, child):
    """What a node of the one data centre is dialled over from the other."""
    return asked(topology, parent, child) or offered(topology, parent)[0]


def used(topology):
    """All of them, best first."""
    found = {name for node in topology.nodes for name in node.transports}
    return tuple(name for name in NAMES if name in found)


def make_all(topology, name):
    """All links alike: nothing that the file says of them is left, for dispatchers to ask for."""
    def without(table):
        return {key: value for key, value in table.items() if key != "transport"}
    topology.over = name
    for place in topology.places.values():
        place.transport = None
    topology.links = [without(link) for link in topology.links]
    topology.classes = [without(each) for each in topology.classes]


def choose(topology):
    """Gives every machine the ports that its links need. Dispatchers are not reached over SRT, and over TLS where any
    link is."""
    for node in topology.nodes:
        node.transports = offered(topology, topology.places[node.idc])
    for dispatcher in topology.dispatchers:
        dispatcher.is_sealed = "tls" in used(topology)
