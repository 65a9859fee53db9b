/// One number that a quota limits, shared out among the nodes: each is told up to how much it may go without asking.
///
/// Nodes let viewers in on their own, so what they are told must not add up to more than the quota, whatever is on its
/// way between them and the dispatcher. What a node may have reached at most is its `bound`: the highest limit that it
/// may still go by, because it has not yet said that it has heard a lower one. Invariant: a limit is raised only while
/// the bounds add up to no more than the hard mark and one `unit` for each node. The unit is there so that a node whose
/// share is used up need not turn away the next viewer while there is room elsewhere; so the hard mark is passed by one
/// unit a node at most, and only where as many come within one exchange of messages. What was let in before there was a
/// quota, or without a dispatcher, counts and is not touched.
struct Allotment: Sendable {
    private(set) var soft: Int
    private(set) var hard: Int
    /// What one more takes: 1, or for kbit/s the rate of the fastest stream.
    var unit = 1 { didSet { isStale = true } }
    /// By node, those that have said what they use.
    private(set) var shares: [Int: Share] = [:]
    private(set) var used = 0
    /// Something has changed since it was shared out.
    private var isStale = true
    /// Nodes have been told that nothing is left.
    private var isSpent = false

    struct Share: Sendable {
        var used = 0
        /// The limits that the node may be going by, the oldest first: the one that it has confirmed, and those told
        /// since. Empty while it has been told none.
        fileprivate(set) var told: [(serial: UInt32, limit: Int)] = []
        /// The node has forgotten what it was told, or may have.
        fileprivate var isLost = false

        var bound: Int { told.reduce(used) { max($0, $1.limit) } }
        /// The limit that was told last; nil where there is none that the node is sure to hear.
        var limit: Int? { isLost ? nil : told.last?.limit }
    }

    init(_ mark: Mark, _ resource: QuotaResource) {
        (soft, hard) = Allotment.marks(mark, resource)
    }

    private static func marks(_ mark: Mark, _ resource: QuotaResource) -> (soft: Int, hard: Int) {
        (Int((mark.soft * resource.scale).rounded(.up)), Int(mark.hard * resource.scale))
    }

    /// The marks are others now; what is used and was told stays.
    mutating func remark(_ mark: Mark, _ resource: QuotaResource) {
        (soft, hard) = Allotment.marks(mark, resource)
        (isStale, isSpent) = (true, false)
    }

    // MARK: What nodes say

    /// The node uses so much, and has heard what was told up to `serial`.
    mutating func take(_ now: Int, from node: Int, heard serial: UInt32) {
        used += now - (shares[node]?.used ?? 0)
        shares[node, default: Share()].used = now
        heard(serial, by: node)
        isStale = true
    }

    mutating func heard(_ serial: UInt32, by node: Int) {
        guard let last = shares[node]?.told.lastIndex(where: { $0.serial <= serial }), last > 0 else { return }
        shares[node]?.told.removeFirst(last)
        isStale = true
    }

    /// The node has a new connection: what was told over the old one may have been lost.
    mutating func reconnected(_ node: Int) {
        shares[node]?.isLost = true
        isStale = true
    }

    /// The node is gone, with all that it served.
    mutating func remove(_ node: Int) {
        guard let share = shares.removeValue(forKey: node) else { return }
        used -= share.used
        isStale = true
    }

    // MARK: What nodes are told

    /// The nodes whose limits are to be told, under `serial`: they count as told from now on.
    ///
    /// Of what is left one half goes to all nodes alike, because a crowd may come to any of them, the other to each by
    /// what it uses, because crowds grow where they are. A limit stays as long as it leaves a node a half of its part
    /// and nobody else lacks what it has too much: with much room little is said.
    mutating func shareOut(_ serial: (Int) -> UInt32) -> [Int] {
        guard isStale else { return [] }
        isStale = false
        let room = max(0, hard - used)
        var said = raise(room)
        let isNewlySpent = room == 0 && !isSpent
        isSpent = room == 0
        if said.isShort || room == 0 {
            for (node, share) in shares where said.limits[node] == nil {
                guard let limit = share.limit else { continue }
                let enough = share.used + part(of: share, room)
                if limit > enough || isNewlySpent { said.limits[node] = min(limit, enough) }
            }
        }
        for (node, limit) in said.limits {
            shares[node]?.told.append((serial(node), limit))
            shares[node]?.isLost = false
        }
        return Array(said.limits.keys)
    }

    /// Higher limits for those that need them, as far as the bounds leave something free; those with the least first.
    private func raise(_ room: Int) -> (limits: [Int: Int], isShort: Bool) {
        var free = hard + shares.count * unit - shares.values.reduce(0) { $0 + $1.bound }
        var limits: [Int: Int] = [:]
        var isShort = false
        let inNeed = shares.filter { needs($0.value, room) }.sorted {
            (slack($0.value), $0.key) < (slack($1.value), $1.key)
        }
        for (node, share) in inNeed {
            let wanted = share.used + part(of: share, room)
            // What is in its bound already is free for it.
            let granted = min(wanted, share.bound + max(0, free))
            if granted < wanted { isShort = true }
            free -= max(0, granted - share.bound)
            if granted != share.limit { limits[node] = granted }
        }
        return (limits, isShort)
    }

    /// What a node may take beyond what it uses; -1 for one that has been told nothing.
    private func slack(_ share: Share) -> Int { share.limit.map { $0 - share.used } ?? -1 }

    /// What a node is to be able to take beyond what it uses.
    private func part(of share: Share, _ room: Int) -> Int {
        guard room > 0 else { return 0 }
        let half = Double(room) / 2
        let alike = half / Double(shares.count)
        let byUse = used > 0 ? half * Double(share.used) / Double(used) : alike
        return max(min(unit, room), Int(alike + byUse))
    }

    private func needs(_ share: Share, _ room: Int) -> Bool {
        guard let limit = share.limit else { return true }
        guard room > 0 else { return false }
        return limit - share.used < max(min(unit, room), (part(of: share, room) + 1) / 2)
    }
}
