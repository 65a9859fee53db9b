/// Where a node's ports are dialled, as the topology file gives them: typed here, plain text in `Topology.Node`.
///
/// Invariant: `listed` is empty, or holds the three in the order relay, rtmp, http, with an empty text for one that
/// the file leaves out, and behind them the relay port's further ones, over other transports; so the first of a node's
/// addresses is always that of its relay port.
import Configuration
import Dispatch

extension TopologyFile {
    public struct Addresses: Sendable, Hashable {
        /// One for each transport at most.
        public var relay: [Remote]
        public var rtmp: Remote?
        public var http: Remote?

        public init(relay: [Remote] = [], rtmp: Remote? = nil, http: Remote? = nil) {
            self.relay = relay
            self.rtmp = rtmp
            self.http = http
        }

        public init(of node: Topology.Node) {
            func address(_ position: Int) -> Remote? {
                node.addresses.indices.contains(position) ? Remote(node.addresses[position]) : nil
            }
            let relays = [address(0)] + node.addresses.indices.dropFirst(3).map(address)
            self.init(relay: relays.compactMap { $0 }, rtmp: address(1), http: address(2))
        }

        var listed: [String] {
            if relay.isEmpty, rtmp == nil, http == nil { return [] }
            return [relay.first, rtmp, http].map { $0?.description ?? "" } + relay.dropFirst().map(\.description)
        }
    }
}
