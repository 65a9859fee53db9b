/// What one application or one stream may use of the whole network.
///
/// A mark that is nil limits nothing. Beyond a soft mark the operator is warned, beyond a hard one nobody more is let
/// in; who is inside stays.
public struct Quota: Hashable, Sendable {
    public var viewers: Mark?
    /// Mbit/s to viewers.
    public var out: Mark?
    /// Encoders, those that stand by included; of an application only.
    public var publishers: Mark?

    public init(viewers: Mark? = nil, out: Mark? = nil, publishers: Mark? = nil) {
        self.viewers = viewers
        self.out = out
        self.publishers = publishers
    }

    public subscript(resource: QuotaResource) -> Mark? {
        switch resource {
        case .viewers: viewers
        case .out: out
        case .publishers: publishers
        }
    }
}

/// What a quota limits. Counted in whole units: viewers, kbit/s, publishers.
public enum QuotaResource: UInt8, Hashable, Sendable, CaseIterable {
    case viewers, out, publishers

    /// Units in one of the mark's.
    public var scale: Double { self == .out ? kilobitsPerMegabit : 1 }
}

/// Whose quota it is: an application's with all its streams, or that of one stream.
public struct QuotaScope: Hashable, Sendable, CustomStringConvertible {
    public var app: String
    /// Nil for the whole application.
    public var stream: String?

    public init(app: String, stream: String? = nil) {
        self.app = app
        self.stream = stream
    }

    public var description: String { stream.map { "stream \(app)/\($0)" } ?? "application \(app)" }

    /// As `TopologyError` names it.
    public var item: String { "quota of \(self)" }
}

/// How much of one quota is used, for an answer and for the log.
public struct QuotaUse: Hashable, Sendable, CustomStringConvertible {
    public var scope: QuotaScope
    public var resource: QuotaResource
    /// In units of the resource.
    public var used: Int
    public var hard: Int

    /// Which one, whatever is used of it.
    public struct Key: Hashable, Sendable {
        public var scope: QuotaScope
        public var resource: QuotaResource
    }

    public var key: Key { Key(scope: scope, resource: resource) }

    public var description: String { "the quota of \(scope) is used up: \(amount)" }

    /// `3 of 3 viewers`.
    public var amount: String {
        switch resource {
        case .viewers: "\(used) of \(hard) viewers"
        case .out: "\(tenths(Double(used) / kilobitsPerMegabit)) of \(tenths(Double(hard) / kilobitsPerMegabit)) Mbit/s"
        case .publishers: "\(used) of \(hard) publishers"
        }
    }
}
