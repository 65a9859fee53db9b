/// Scratch space of one search for a place in a tree: what it finds out about IDCs on its way, kept so that a search
/// allocates nothing. It means nothing between two searches.
struct Survey: Sendable {
    /// Where the stream can leave an IDC that carries it.
    struct Exit: Sendable {
        let idc: Int
        /// The member that sends, or that sends to `relay`.
        var place: Int
        /// A relay that would join the tree to send, -1 for none.
        var relay: Int
        /// Penalties of what sends.
        var load: Double
        /// Weighted, from the source.
        var delay: Double
        var hops: Int
    }

    private(set) var exits: [Exit] = []
    /// IDCs that carry the stream.
    private(set) var carriers = 0
    private var generation: UInt32 = 0
    private var exitStamp: [UInt32]
    private var exitNumber: [Int32]
    private var memberStamp: [UInt32]
    private var relayStamp: [UInt32]
    private var relayNode: [Int32]
    private var relayLoad: [Double]
    /// kbit/s that the present re-planning has put on each node: it spreads its moves.
    private(set) var surge: [Int]
    private var surged: [Int] = []

    init(idcs: Int, nodes: Int) {
        exitStamp = Array(repeating: 0, count: idcs)
        exitNumber = Array(repeating: 0, count: idcs)
        relayStamp = exitStamp
        relayNode = exitNumber
        relayLoad = Array(repeating: 0, count: idcs)
        surge = Array(repeating: 0, count: nodes)
        memberStamp = Array(repeating: 0, count: nodes)
    }

    mutating func begin() {
        generation &+= 1
        if generation == 0 {
            for idc in exitStamp.indices {
                exitStamp[idc] = 0
                relayStamp[idc] = 0
            }
            for node in memberStamp.indices { memberStamp[node] = 0 }
            generation = 1
        }
        exits.removeAll(keepingCapacity: true)
        carriers = 0
    }

    func isMember(_ node: Int) -> Bool { memberStamp[node] == generation }

    mutating func noteMember(_ node: Int) { memberStamp[node] = generation }

    /// Whether the IDC carries the stream.
    func carries(_ idc: Int) -> Bool { exitStamp[idc] == generation }

    /// Notes that the IDC carries the stream, though nothing there may be able to send it on.
    mutating func noteCarrier(_ idc: Int) {
        guard exitStamp[idc] != generation else { return }
        exitStamp[idc] = generation
        exitNumber[idc] = -1
        carriers += 1
    }

    /// Keeps the better exit of its IDC.
    mutating func offer(_ exit: Exit) {
        noteCarrier(exit.idc)
        let number = Int(exitNumber[exit.idc])
        if number < 0 {
            exitNumber[exit.idc] = Int32(exits.count)
            exits.append(exit)
        } else if exit.load + exit.delay < exits[number].load + exits[number].delay {
            exits[number] = exit
        }
    }

    func exit(of idc: Int) -> Exit? {
        guard carries(idc), exitNumber[idc] >= 0 else { return nil }
        return exits[Int(exitNumber[idc])]
    }

    /// The relay that was found for an IDC: nil when it was not looked for, -1 when there is none.
    func relay(of idc: Int) -> (node: Int, load: Double)? {
        relayStamp[idc] == generation ? (Int(relayNode[idc]), relayLoad[idc]) : nil
    }

    mutating func noteRelay(_ node: Int, load: Double, of idc: Int) {
        relayStamp[idc] = generation
        relayNode[idc] = Int32(node)
        relayLoad[idc] = load
    }

    mutating func addSurge(_ node: Int, _ rate: Int) {
        if surge[node] == 0 { surged.append(node) }
        surge[node] += rate
    }

    mutating func endSurge() {
        for node in surged { surge[node] = 0 }
        surged.removeAll(keepingCapacity: true)
    }
}
