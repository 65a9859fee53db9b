/// The network as the operator describes it: IDCs, nodes and what lies between; checked, and numbered densely.
///
/// Invariants: every name is unique; every node's IDC exists; every number is in its range; `pairs` holds what is
/// known of each ordered pair of IDCs, nil where there is no link; the diagonal is nil.
public struct Topology: Sendable {
    public let idcs: [IDC]
    public let nodes: [Node]
    /// What applications and streams may use of the whole network.
    public let quotas: [QuotaScope: Quota]
    let idcOfNode: [Int]
    let nodesOfIDC: [[Int]]
    let pairs: [LinkQuality?]
    private let idcNames: [String: Int]
    private let nodeNames: [String: Int]

    /// The candidate paths are kept for every ordered pair of IDCs, so their table grows with the square of this.
    public static let idcLimit = 512
    public static let nodeLimit = 16_384

    public init(
        idcs: [IDC], nodes: [Node], links: [Link] = [], classes: [LinkClass] = [], quotas: [QuotaScope: Quota] = [:]
    ) throws(TopologyError) {
        var check = TopologyCheck()
        check.counts(idcs: idcs.count, nodes: nodes.count)
        guard check.problems.isEmpty else { throw TopologyError(problems: check.problems) }
        let known = check.names(idcs.map(\.id), of: "IDC")
        nodeNames = check.names(nodes.map(\.id), of: "node")
        for idc in idcs { check.idc(idc) }
        for node in nodes { check.node(node, known: known) }
        for linkClass in classes { check.linkClass(linkClass, known: known) }
        for (scope, quota) in quotas { check.quota(quota, of: scope) }
        let listed = check.links(links, known: known)
        var pairs = [LinkQuality?](repeating: nil, count: idcs.count * idcs.count)
        for from in idcs.indices {
            for to in idcs.indices where from != to {
                pairs[from * idcs.count + to] =
                    listed[from * idcs.count + to] ?? check.derived(from: idcs[from], to: idcs[to], classes: classes)
            }
        }
        guard check.problems.isEmpty else { throw TopologyError(problems: check.problems) }
        self.idcs = idcs
        self.nodes = nodes
        self.pairs = pairs
        self.quotas = quotas
        idcNames = known
        idcOfNode = nodes.map { known[$0.idc, default: 0] }
        var members = [[Int]](repeating: [], count: idcs.count)
        for (node, idc) in idcOfNode.enumerated() { members[idc].append(node) }
        nodesOfIDC = members
    }

    public func idc(named name: String) -> IDCIndex? { idcNames[name].map { IDCIndex($0) } }

    public func node(named name: String) -> NodeIndex? { nodeNames[name].map { NodeIndex($0) } }

    public func idc(of node: NodeIndex) -> IDCIndex { IDCIndex(idcOfNode[node.position]) }

    public func nodes(of idc: IDCIndex) -> [NodeIndex] { nodesOfIDC[idc.position].map { NodeIndex($0) } }

    /// What is known of this direction; nil where there is no link.
    public func link(from: IDCIndex, to: IDCIndex) -> LinkQuality? {
        pairs[from.position * idcs.count + to.position]
    }

    /// Whether the other is the same but for its quotas.
    public func isSameNetwork(as other: Topology) -> Bool {
        idcs == other.idcs && nodes == other.nodes && pairs == other.pairs
    }

    public subscript(node: NodeIndex) -> Node { nodes[node.position] }

    public subscript(idc: IDCIndex) -> IDC { idcs[idc.position] }
}
