/// Quotas between the dispatcher and its nodes: who is asked what it uses, who is told up to how much it may go, and when
/// the operator is warned.
///
/// Invariants: a node is told limits only after it has said what it uses; and none is told any before all have, or have
/// had their time: a dispatcher that has just started does not know yet how much is used. What nodes were told by the
/// one before it counts until then.
import Dispatch
import RelayProtocol

/// What is known of one node's words on quotas.
struct QuotaSeat {
    /// Of what was told last; it goes on rising over all of the node's connections.
    var serial: UInt32 = 0
    /// The node is to say all that it uses.
    var isToBeAsked = true
    var hasTold = false
    /// Quotas that there are no more, and that the node has still to hear of.
    var withdrawn: [QuotaScope] = []

    mutating func connected() {
        isToBeAsked = true
        hasTold = false
        withdrawn = []
    }

    mutating func nextSerial() -> UInt32 {
        serial = serial == .max ? 1 : serial + 1
        return serial
    }
}

extension DispatchDesk {
    /// A quota that was soft or hard is below again, for the log, once no more than this share of its soft mark is used.
    private static let calmShare = 0.95

    /// These quotas hold from now on, and no others.
    public mutating func setQuotas(_ quotas: [QuotaScope: Quota]) {
        let gone = dispatcher.quotaScopes.filter { quotas[$0] == nil }
        dispatcher.setQuotas(quotas)
        for node in seats.keys where seats[node]?.isConnected == true {
            seats[node]?.quotas.withdrawn.removeAll { quotas[$0] != nil }
            seats[node]?.quotas.withdrawn += gone
            seats[node]?.quotas.isToBeAsked = true
        }
        quotaStates = quotaStates.filter { quotas[$0.key.scope]?[$0.key.resource] != nil }
    }

    /// Whether there is anything to be told from time to time.
    var hasQuotas: Bool {
        !dispatcher.quotaScopes.isEmpty || seats.values.contains { !$0.quotas.withdrawn.isEmpty }
    }

    /// To be called about ten times a second.
    public mutating func shareQuotas() -> [Outgoing] {
        guard hasQuotas else { return [] }
        var out: [Outgoing] = []
        for (node, seat) in seats where seat.isConnected && seat.register != nil && seat.quotas.isToBeAsked {
            out += ask(node)
        }
        guard isSettled || haveAllTold else { return out }
        out += tell()
        noteStates()
        return out
    }

    private var haveAllTold: Bool {
        topology.nodes.allSatisfy { NodeID($0.id).flatMap { seats[$0] }?.quotas.hasTold ?? false }
    }

    private mutating func ask(_ node: NodeID) -> [Outgoing] {
        guard var seat = seats[node]?.quotas else { return [] }
        let orders =
            seat.withdrawn.compactMap { Self.allowed($0, .forget) }
            + dispatcher.quotaScopes.compactMap { Self.allowed($0, .tell) }
        seat.withdrawn = []
        seat.isToBeAsked = false
        let messages = Allow.messages(orders, serial: seat.nextSerial())
        seats[node]?.quotas = seat
        return messages.map { Outgoing(node: node, message: $0) }
    }

    private mutating func tell() -> [Outgoing] {
        // Asking for the next number of one that is told nothing does no harm: they only have to rise.
        let words = dispatcher.shareQuotas { [seats, topology] index in
            (NodeID(topology[index].id).flatMap { seats[$0]?.quotas.serial } ?? 0) + 1
        }
        var told: [NodeID: [AllowedQuota]] = [:]
        for word in words {
            func amount(_ resource: QuotaResource) -> AllowedQuota.Amount? {
                word.limits[resource].map {
                    AllowedQuota.Amount(
                        limit: UInt32(clamping: $0.limit), used: UInt32(clamping: $0.used),
                        hard: UInt32(clamping: $0.hard))
                }
            }
            let order = AllowedQuota.Order.keep(
                viewers: amount(.viewers), kilobits: amount(.out), publishers: amount(.publishers))
            guard let node = NodeID(topology[word.node].id), let quota = Self.allowed(word.scope, order) else {
                continue
            }
            told[node, default: []].append(quota)
        }
        return told.flatMap { node, quotas -> [Outgoing] in
            guard let serial = seats[node]?.quotas.nextSerial() else { return [] }
            return Allow.messages(quotas, serial: serial).map { Outgoing(node: node, message: $0) }
        }
    }

    private static func allowed(_ scope: QuotaScope, _ order: AllowedQuota.Order) -> AllowedQuota? {
        QuotaName(app: scope.app, stream: scope.stream ?? "").map { AllowedQuota(name: $0, order: order) }
    }

    mutating func take(_ used: Used, _ node: NodeID, _ index: NodeIndex) {
        for quota in used.quotas {
            let scope = QuotaScope(
                app: quota.name.app, stream: quota.name.stream.isEmpty ? nil : quota.name.stream)
            let use: [QuotaResource: Int] = [
                .viewers: Int(quota.viewers), .out: Int(quota.kilobits), .publishers: Int(quota.publishers),
            ]
            dispatcher.takeUse(use, of: scope, at: index, heard: used.serial)
        }
        guard used.serial != 0 else { return }
        dispatcher.heardQuotas(used.serial, at: index)
        seats[node]?.quotas.hasTold = true
    }

    // MARK: News

    private mutating func noteStates() {
        for report in dispatcher.quotaReports {
            let key = report.use.key
            let before = quotaStates[key] ?? .below
            let isCalm = Double(report.used) <= Double(report.soft) * DispatchDesk.calmShare
            guard report.state > before || (before != .below && report.state == .below && isCalm) else { continue }
            quotaStates[key] = report.state
            quotaNews.append(report)
        }
    }

    /// Quotas that have come beyond a mark, or below them again, since the last time.
    mutating func takeQuotaNews() -> [Dispatcher.QuotaReport] {
        defer { quotaNews = [] }
        return quotaNews
    }
}
