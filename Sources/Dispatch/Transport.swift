/// What nodes talk over, and which of it a link takes: what the topology asks for where both ends have it, another that
/// both have where they do not. Addresses are not read here; who knows them says which transports each end has.
extension Topology {
    public enum Transport: String, Hashable, Sendable, CaseIterable {
        /// In the clear.
        case tcp
        /// Both sides show certificates.
        case tls
        /// For long and lossy ways; encrypted where the network has a secret.
        case srt

        /// Where a link asks for nothing: the safest that both have, then the plainest.
        public static let preference: [Transport] = [.tls, .tcp, .srt]

        /// What takes the place of this one, best first. Who asks for an encrypted one gets the other of them before
        /// what is in the clear.
        var substitutes: [Transport] {
            switch self {
            case .tcp: [.tls, .srt]
            case .tls: [.srt, .tcp]
            case .srt: [.tls, .tcp]
            }
        }
    }

    /// What is asked for on the way of a stream from nodes of the one IDC to those of the other, or inside one; nil
    /// where anything will do.
    public func transport(from: IDCIndex, to: IDCIndex) -> Transport? {
        from == to ? self[from].transport : link(from: from, to: to)?.transport
    }
}

/// The transport over which a child takes streams from a parent, and why it is that one.
public struct TransportChoice: Hashable, Sendable {
    public let transport: Topology.Transport
    public let ground: Ground

    public enum Ground: Hashable, Sendable {
        /// Nothing is asked for: the best that both have.
        case best
        /// The topology asks for it.
        case asked
        /// The topology asks for this other one, which the parent does not offer.
        case notOffered(Topology.Transport)
        /// The topology asks for this other one, which the child does not dial.
        case notDialled(Topology.Transport)
    }

    /// Nil where the child dials nothing that the parent offers.
    public init?(asked: Topology.Transport?, offered: Set<Topology.Transport>, dialled: Set<Topology.Transport>) {
        let common = offered.intersection(dialled)
        guard let asked else {
            guard let best = Topology.Transport.preference.first(where: common.contains) else { return nil }
            (transport, ground) = (best, .best)
            return
        }
        if common.contains(asked) {
            (transport, ground) = (asked, .asked)
            return
        }
        guard let substitute = asked.substitutes.first(where: common.contains) else { return nil }
        (transport, ground) = (substitute, offered.contains(asked) ? .notDialled(asked) : .notOffered(asked))
    }

    /// What the topology asks for and does not get.
    public var missed: Topology.Transport? {
        switch ground {
        case .best, .asked: nil
        case .notOffered(let asked), .notDialled(let asked): asked
        }
    }

    public func describe(from parent: NodeIndex, to child: NodeIndex, in topology: Topology) -> String {
        let (from, to) = (topology[topology.idc(of: parent)].id, topology[topology.idc(of: child)].id)
        let place = from == to ? "IDC \(from)" : "the link \(from) to \(to)"
        return switch ground {
        case .best: "\(transport), the best that both have"
        case .asked: "\(transport), as \(place) asks"
        case .notOffered(let asked):
            "\(transport): \(place) asks for \(asked), which \(topology[parent].id) does not offer"
        case .notDialled(let asked):
            "\(transport): \(place) asks for \(asked), which \(topology[child].id) does not dial"
        }
    }
}
