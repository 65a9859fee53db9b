/// Where a node dials its parents, and over what: each parent by its address for the transport of the link between them.
///
/// What a node has said of itself goes before what the topology file says of it; a node that has said neither what it
/// dials nor where it is dialled over anything but one transport is taken at that.
import Configuration
import Dispatch
import RelayProtocol

extension DispatchDesk {
    /// Where a node is dialled, and what it dials others over. Made when a node registers, and not for each route.
    struct Doors {
        var offered: Set<Topology.Transport> = []
        var dialled = Set(Topology.Transport.allCases)
        private var addresses: [Topology.Transport: String] = [:]

        init(_ register: Register) {
            self.init(register.relays)
            dialled = dialled.filter { register.dials.contains($0.relayTransport) }
        }

        /// Of several addresses over one transport the first counts; what this version cannot read is passed over.
        init(_ texts: [String]) {
            for text in texts {
                guard let transport = Remote(text).flatMap({ Topology.Transport($0.transport) }),
                    offered.insert(transport).inserted
                else { continue }
                addresses[transport] = text
            }
        }

        subscript(transport: Topology.Transport) -> String? { addresses[transport] }
    }

    /// How one node reaches another.
    struct Door: Hashable {
        let address: String
        let choice: TransportChoice
    }

    /// A link that is used over another transport than the topology asks for; for the log.
    struct Substitution: Hashable {
        let parent: NodeIndex
        let child: NodeIndex
        let choice: TransportChoice
    }

    /// Substitutions that are kept in mind so that each is told once. A network with more of them has been told enough.
    private static let substitutionLimit = 1_024

    // MARK: Addresses

    /// Where a node is to be dialled, the best for who asks for nothing first: as it says itself, or as the topology has
    /// it.
    func addresses(of node: NodeIndex) -> [String] {
        if let told = seat(of: node)?.register?.relays, !told.isEmpty { return told }
        return TopologyFile.Addresses(of: topology[node]).relay.map(\.description)
    }

    /// What a node dials others over, as far as it is known here.
    func dialled(by node: NodeIndex) -> Set<Topology.Transport> { (seat(of: node)?.doors ?? Doors([])).dialled }

    /// Nil where the child dials nothing that the parent offers.
    func door(from parent: NodeIndex, to child: NodeIndex) -> Door? {
        var doors = seat(of: parent)?.doors ?? Doors([])
        if doors.offered.isEmpty { doors = Doors(addresses(of: parent)) }
        let asked = topology.transport(from: topology.idc(of: parent), to: topology.idc(of: child))
        guard let choice = TransportChoice(asked: asked, offered: doors.offered, dialled: dialled(by: child)),
            let address = doors[choice.transport]
        else { return nil }
        return Door(address: address, choice: choice)
    }

    private func seat(of node: NodeIndex) -> Seat? { NodeID(topology[node].id).flatMap { seats[$0] } }

    // MARK: Parents

    /// The parents that can be dialled: those that have said where, over something that the child dials too.
    mutating func places(_ route: Route) -> [SteerParent] {
        route.parents.compactMap { parent in
            guard let node = NodeID(topology[parent.node].id), let door = door(from: parent.node, to: route.node),
                let place = RelayPlace(node: node, address: door.address),
                let path = try? RelayPath(parent.path.compactMap { NodeID(topology[$0].id) })
            else { return nil }
            note(door, from: parent.node, to: route.node)
            return SteerParent(place: place, path: path)
        }
    }

    /// Why a route is what it is, and what of it is not reached as the topology asks.
    func words(_ why: Why, _ route: Route) -> String {
        var text = why.describe(in: topology)
        for parent in route.parents {
            if let door = door(from: parent.node, to: route.node) {
                guard door.choice.missed != nil else { continue }
                text += "; \(door.choice.describe(from: parent.node, to: route.node, in: topology))"
            } else if !addresses(of: parent.node).isEmpty {
                let (parent, child) = (topology[parent.node].id, topology[route.node].id)
                text += "; \(parent) offers nothing that \(child) dials: give one of them tls.certificates and"
                text += " tls.authorities, or another relay address"
            }
        }
        return text
    }

    private mutating func note(_ door: Door, from parent: NodeIndex, to child: NodeIndex) {
        let found = Substitution(parent: parent, child: child, choice: door.choice)
        guard door.choice.missed != nil, toldSubstitutions.count < DispatchDesk.substitutionLimit,
            toldSubstitutions.insert(found).inserted
        else { return }
        substitutions.append(found)
    }

    /// Those that are new since the last time.
    mutating func takeSubstitutions() -> [Substitution] {
        defer { substitutions = [] }
        return substitutions
    }
}

extension Topology.Transport {
    init?(_ transport: Remote.Transport) { self.init(rawValue: transport.rawValue) }

    var relayTransport: RelayTransports {
        switch self {
        case .tcp: .tcp
        case .tls: .tls
        case .srt: .srt
        }
    }
}
