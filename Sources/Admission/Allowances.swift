/// What dispatchers have told this node of the quotas of applications and streams over the whole network: up to how much
/// it may let in of each without asking.
///
/// Pure, and no more than a table: who counts is the ledger. Invariants: of several dispatchers' words the lowest limit
/// counts, because each shares out a whole quota; the word of one that is lost counts for `lasts` more, and no longer,
/// so that a node without a dispatcher goes by its own limits.
public struct Allowances: Sendable {
    /// An application's quota, or with a stream's name that stream's.
    public struct Scope: Hashable, Sendable, CustomStringConvertible {
        public var app: String
        /// Empty for the whole application.
        public var stream: String

        public init(app: String, stream: String = "") {
            self.app = app
            self.stream = stream
        }

        public var description: String { stream.isEmpty ? "application \(app)" : "stream \(app)/\(stream)" }
    }

    public enum Resource: Sendable, CaseIterable {
        case viewers, kilobits, publishers
    }

    public struct Amount: Sendable, Hashable {
        /// Up to which this node may go.
        public var limit: Int
        /// Over the whole network, when this was said.
        public var used: Int
        public var hard: Int

        public init(limit: Int, used: Int, hard: Int) {
            self.limit = limit
            self.used = used
            self.hard = hard
        }
    }

    private struct Word {
        /// Nil while the dispatcher has only asked what is used.
        var limits: [Resource: Amount]?
        /// Milliseconds; nil while the dispatcher is there.
        var until: UInt64?
    }

    /// Milliseconds for which the word of a dispatcher counts that cannot be reached: a dispatcher that is started
    /// again has heard of all nodes by then, and tells them anew.
    public static let lasts: UInt64 = 10_000

    /// By dispatcher.
    private var words: [Scope: [Int: Word]] = [:]

    public var isEmpty: Bool { words.isEmpty }

    /// The dispatcher asks what is used of it; what it said before goes on to count.
    public mutating func ask(_ scope: Scope, by dispatcher: Int, now: UInt64) {
        var word = words[scope]?[dispatcher] ?? Word()
        if word.until != nil { word.until = now + Allowances.lasts }
        words[scope, default: [:]][dispatcher] = word
    }

    public mutating func keep(_ limits: [Resource: Amount], of scope: Scope, by dispatcher: Int) {
        words[scope, default: [:]][dispatcher] = Word(limits: limits)
    }

    public mutating func forget(_ scope: Scope, by dispatcher: Int) {
        words[scope]?[dispatcher] = nil
        if words[scope]?.isEmpty == true { words[scope] = nil }
    }

    /// The dispatcher cannot be reached any more.
    public mutating func lost(_ dispatcher: Int, now: UInt64) {
        for scope in words.keys where words[scope]?[dispatcher]?.until == nil {
            words[scope]?[dispatcher]?.until = now + Allowances.lasts
        }
    }

    /// Forgets what counts no longer. To be called about once a second.
    public mutating func expire(now: UInt64) {
        guard !words.isEmpty else { return }
        for (scope, said) in words {
            for (dispatcher, word) in said {
                if let until = word.until, now >= until { forget(scope, by: dispatcher) }
            }
        }
    }

    /// The quotas that a dispatcher has spoken of and has not withdrawn.
    public func scopes(by dispatcher: Int) -> [Scope] { words.filter { $0.value[dispatcher] != nil }.map(\.key) }

    func amount(_ resource: Resource, of scope: Scope, now: UInt64) -> Amount? {
        words[scope]?.values.lazy.filter { word in word.until.map { now < $0 } ?? true }
            .compactMap { $0.limits?[resource] }.min { $0.limit < $1.limit }
    }
}

/// A quota that has no room for one more at this node.
public struct QuotaLack: Hashable, Sendable, CustomStringConvertible {
    public var scope: Allowances.Scope
    public var resource: Allowances.Resource
    public var used: Int
    public var hard: Int

    /// Nothing is left of it anywhere; otherwise only what this node was given is used up, and it will be given more.
    public var isSpent: Bool { used >= hard }

    public var description: String {
        let amount =
            switch resource {
            case .viewers: "\(used) of \(hard) viewers"
            case .kilobits: "\(Shortage.megabits(used)) of \(Shortage.megabits(hard))"
            case .publishers: "\(used) of \(hard) publishers"
            }
        return isSpent
            ? "the quota of \(scope) is used up: \(amount)"
            : "this node's part of the quota of \(scope) is used up: \(amount) over the network"
    }
}
