/// Quotas over the whole network: what nodes say that they use, and up to how much each may go.
extension Dispatcher {
    /// Quotas of one dispatcher: as many customers as share one network, and each node's word on all of them is small.
    public static let quotaLimit = 1_024

    /// What a node is told of one quota.
    public struct QuotaWord: Hashable, Sendable {
        public var node: NodeIndex
        public var scope: QuotaScope
        public var limits: [QuotaResource: Limit]

        public struct Limit: Hashable, Sendable {
            /// Up to which this node may let in.
            public var limit: Int
            /// Over the whole network.
            public var used: Int
            public var hard: Int
        }
    }

    /// One limit of one quota, for who asks.
    public struct QuotaReport: Hashable, Sendable {
        public var scope: QuotaScope
        public var resource: QuotaResource
        public var soft: Int
        public var hard: Int
        public var used: Int

        public var state: State { used >= hard ? .hard : used >= soft ? .soft : .below }

        /// Beyond which mark it is.
        public enum State: Int, Hashable, Sendable, Comparable {
            case below, soft, hard

            public static func < (a: State, b: State) -> Bool { a.rawValue < b.rawValue }
        }

        public var use: QuotaUse { QuotaUse(scope: scope, resource: resource, used: used, hard: hard) }
    }

    /// One node's part in it.
    public struct QuotaShare: Hashable, Sendable {
        public var node: NodeIndex
        public var used: Int
        /// Nil while it was told none.
        public var limit: Int?
    }

    /// These quotas hold from now on, and no others. Nobody who is inside is touched.
    public mutating func setQuotas(_ all: [QuotaScope: Quota]) {
        quotas.set(all)
        guard !all.isEmpty else { return }
        for stream in trees.indices { noteRate(stream) }
    }

    /// Those that there are, in the order of their names.
    public var quotaScopes: [QuotaScope] { quotas.order }

    /// A node uses so much of a quota, having heard what it was told up to `serial`.
    public mutating func takeUse(
        _ use: [QuotaResource: Int], of scope: QuotaScope, at node: NodeIndex, heard serial: UInt32
    ) {
        quotas.take(use, of: scope, from: node.position, heard: serial)
    }

    /// A node has heard what it was told up to `serial`, and uses what it used before.
    public mutating func heardQuotas(_ serial: UInt32, at node: NodeIndex) { quotas.heard(serial, by: node.position) }

    /// A node has a new connection: it is told again.
    public mutating func quotasLost(at node: NodeIndex) { quotas.reconnected(node.position) }

    /// What nodes are to be told now; `serial` is given to what one node is told this time.
    public mutating func shareQuotas(_ serial: (NodeIndex) -> UInt32) -> [QuotaWord] {
        var words: [QuotaWord] = []
        for scope in quotaScopes {
            for node in quotas.shareOut(scope, { serial(NodeIndex($0)) }).sorted() {
                words.append(QuotaWord(node: NodeIndex(node), scope: scope, limits: limits(of: scope, at: node)))
            }
        }
        return words
    }

    private func limits(of scope: QuotaScope, at node: Int) -> [QuotaResource: QuotaWord.Limit] {
        (quotas.entries[scope] ?? [:]).compactMapValues { allotment in
            allotment.shares[node]?.limit.map {
                QuotaWord.Limit(limit: $0, used: allotment.used, hard: allotment.hard)
            }
        }
    }

    public var quotaReports: [QuotaReport] {
        quotas.order.flatMap { scope in
            QuotaResource.allCases.compactMap { resource in
                quotas.entries[scope]?[resource].map {
                    QuotaReport(scope: scope, resource: resource, soft: $0.soft, hard: $0.hard, used: $0.used)
                }
            }
        }
    }

    public func quotaShares(of scope: QuotaScope, _ resource: QuotaResource) -> [QuotaShare] {
        (quotas.entries[scope]?[resource]?.shares ?? [:]).sorted { $0.key < $1.key }.map {
            QuotaShare(node: NodeIndex($0.key), used: $0.value.used, limit: $0.value.limit)
        }
    }

    /// What the quotas lack for one more viewer of a stream.
    func quotaShortage(of stream: Int) -> QuotaUse? {
        guard !quotas.entries.isEmpty else { return nil }
        let scope = scope(of: stream)
        return quotas.shortage(
            app: scope.app, stream: scope.stream, [(.viewers, 1), (.out, max(1, trees[stream].rate))])
    }

    /// What the quotas lack for one more publisher of an application.
    func quotaShortage(ofPublishersIn app: String) -> QuotaUse? {
        quotas.shortage(app: app, stream: nil, [(.publishers, 1)])
    }

    mutating func noteRate(_ stream: Int) {
        guard !quotas.entries.isEmpty else { return }
        let scope = scope(of: stream)
        quotas.note(rate: trees[stream].rate, of: scope)
        quotas.note(rate: trees[stream].rate, of: QuotaScope(app: scope.app))
    }

    private func scope(of stream: Int) -> QuotaScope {
        let app = quotas.app(Int(trees[stream].app))
        let name = name(of: StreamIndex(stream))
        return QuotaScope(app: app, stream: app.isEmpty ? name : String(name.dropFirst(app.count + 1)))
    }
}
