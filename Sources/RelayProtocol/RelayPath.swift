/// The nodes that a stream has passed, from the ingest node to the one that speaks.
///
/// Invariants: at most `RelayLimits.pathNodes` nodes, no node twice. A loop can therefore not be built unnoticed: who
/// finds itself in a path that it is offered refuses it, and who would be the ninth does too.
public struct RelayPath: Hashable, Sendable, CustomStringConvertible {
    public let nodes: [NodeID]

    public init(_ nodes: [NodeID]) throws(RelayError) {
        guard nodes.count <= RelayLimits.pathNodes else { throw .pathTooLong(limit: RelayLimits.pathNodes) }
        for (index, node) in nodes.enumerated() where nodes[..<index].contains(node) {
            throw .pathLoop(node: node, path: nodes.map(\.name).joined(separator: " > "))
        }
        self.nodes = nodes
    }

    /// The path of a stream at the node that takes it in.
    public init(ingest: NodeID) { nodes = [ingest] }

    public func contains(_ node: NodeID) -> Bool { nodes.contains(node) }

    /// The path at the next node. Fails when that node is in it already, or the path is as long as it may be.
    public func extended(by node: NodeID) throws(RelayError) -> RelayPath { try RelayPath(nodes + [node]) }

    public var ingest: NodeID? { nodes.first }
    public var hops: Int { max(0, nodes.count - 1) }
    public var description: String { nodes.map(\.name).joined(separator: " > ") }
}
