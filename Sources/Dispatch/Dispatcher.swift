/// Decides each stream's tree over the network, and who enters and is served where: `(topology, reports, demand)` in,
/// decisions out. The same calls in the same order give the same decisions.
///
/// A value: a copy is a what-if that costs nothing until it is changed. Not a word of it reads a clock, a socket or
/// chance. What it promises, and `audit()` checks: no tree has a loop or passes the hop limit; no decision takes a
/// node or link past its hard mark; each link between two IDCs carries a stream once; what the plan says that a node
/// or link bears is the sum of what its trees put there.
public struct Dispatcher: Sendable {
    public let topology: Topology
    public let settings: DispatchSettings

    var nodes: [NodeState]
    /// By `pair`: all links into an IDC lie together, because searches look at those. The diagonal is the inside of
    /// an IDC.
    var links: [LinkState]
    var candidates: CandidateTable
    var trees: [StreamTree] = []
    /// The trees that each node is in, in no order; a member's `slot` is its position here.
    var carried: [[Int32]]
    let relaysOfIDC: [[Int]]
    var survey: Survey
    /// Streams with members that hang on nothing although somebody publishes.
    var restless: Set<Int> = []
    /// Something has changed since the candidate paths were reckoned that does not put one of them out: `refresh` soon.
    public internal(set) var wantsRefresh = false
    /// Where `improve` goes on.
    var improveCursor = 0
    var quotas = Quotas()
    private var names: [String] = []
    private var numbers: [String: Int] = [:]

    /// Streams that one dispatcher keeps; each costs some 300 bytes.
    public static let streamLimit = 2_000_000
    /// The fastest stream that is accepted.
    public static let megabitLimit = 1_000.0

    public init(topology: Topology, settings: DispatchSettings = DispatchSettings()) {
        self.topology = topology
        self.settings = settings
        let count = topology.idcs.count
        nodes = topology.nodes.indices.map { NodeState(topology.nodes[$0], idc: topology.idcOfNode[$0]) }
        links = (0..<count * count).map { number in
            let (to, from) = number.quotientAndRemainder(dividingBy: count)
            if from == to { return .inside(settings.weights) }
            return topology.pairs[from * count + to].map { LinkState($0, settings) } ?? .none
        }
        carried = Array(repeating: [], count: topology.nodes.count)
        relaysOfIDC = topology.nodesOfIDC.map { members in
            members.filter { !topology.nodes[$0].roles.isDisjoint(with: [.relay, .reserve]) }
        }
        survey = Survey(idcs: count, nodes: topology.nodes.count)
        candidates = CandidateTable(count: 0, weights: [], transit: [])
        candidates = CandidateTable(count: count, weights: linkWeights(), transit: transits())
        quotas.set(topology.quotas)
    }

    /// The stream's number, given on first sight. `app` is whose quota it counts against.
    public mutating func stream(_ name: String, app: String = "") -> StreamIndex? {
        if let known = numbers[name] { return StreamIndex(known) }
        guard names.count < Dispatcher.streamLimit else { return nil }
        numbers[name] = names.count
        names.append(name)
        var tree = StreamTree()
        tree.app = Int32(quotas.number(ofApp: app))
        trees.append(tree)
        return StreamIndex(names.count - 1)
    }

    public func stream(named name: String) -> StreamIndex? { numbers[name].map { StreamIndex($0) } }

    public func name(of stream: StreamIndex) -> String { names[stream.position] }

    public var streamCount: Int { names.count }

    @inline(__always)
    func pair(_ from: Int, _ to: Int) -> Int { to * topology.idcs.count + from }
}
