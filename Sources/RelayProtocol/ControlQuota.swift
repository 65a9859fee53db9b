/// Control plane. Quotas over the whole network: up to how much a node may go of each, told by a dispatcher, and how much
/// the node uses, told to it.
///
/// A node keeps the last word on each quota. It answers each `Allow` with a `Used` of the same serial, in which stands
/// what has changed since it last said so, and sends more as its use changes: so a dispatcher knows which of its words
/// the node goes by. A long list goes in several messages, of which only the last bears the serial: 0 confirms nothing.

/// Whose quota: an application's, or with a stream's name that stream's.
public struct QuotaName: Hashable, Sendable {
    public let app: String
    /// Empty for the whole application.
    public let stream: String

    /// Nil unless the parts are such as a `RelayStreamName` has.
    public init?(app: String, stream: String = "") {
        guard RelayStreamName(app: app, name: stream.isEmpty ? app : stream) != nil else { return nil }
        self.app = app
        self.stream = stream
    }
}

public struct Allow: Sendable, Equatable {
    /// What the node confirms; 0 for a part that more follows.
    public var serial: UInt32
    public var quotas: [AllowedQuota]

    public init(serial: UInt32, quotas: [AllowedQuota]) {
        self.serial = serial
        self.quotas = quotas
    }

    public static func messages(_ quotas: [AllowedQuota], serial: UInt32) -> [RelayMessage] {
        split(quotas, room: RelayLimits.controlBody - fixedSize) { $0.wireSize }.map { part, isLast in
            .allow(Allow(serial: isLast ? serial : 0, quotas: Array(part)))
        }
    }

    /// The serial and the count.
    static let fixedSize = 5
}

/// One quota, as a node is to keep it.
public struct AllowedQuota: Sendable, Hashable {
    public var name: QuotaName
    public var order: Order

    public enum Order: Sendable, Hashable {
        /// The node says what it uses, and goes on by what it was told before, if by anything.
        case tell
        /// The node lets in up to these limits; what is nil is not limited.
        case keep(viewers: Amount?, kilobits: Amount?, publishers: Amount?)
        /// There is no such quota any more.
        case forget
    }

    public struct Amount: Sendable, Hashable {
        /// Up to which this node may let in.
        public var limit: UInt32
        /// Over the whole network, when this was said; for messages.
        public var used: UInt32
        public var hard: UInt32

        public init(limit: UInt32, used: UInt32, hard: UInt32) {
            self.limit = limit
            self.used = used
            self.hard = hard
        }

        static let size = 12
    }

    public init(name: QuotaName, order: Order) {
        self.name = name
        self.order = order
    }

    var wireSize: Int { name.wireSize + 1 + 3 * Amount.size }
}

public struct Used: Sendable, Equatable {
    /// Of the last `Allow` that was heard on this connection; 0 where there was none, and for a part that more follows.
    public var serial: UInt32
    public var quotas: [UsedQuota]

    public init(serial: UInt32, quotas: [UsedQuota]) {
        self.serial = serial
        self.quotas = quotas
    }

    /// At least one, for the serial.
    public static func messages(_ quotas: [UsedQuota], serial: UInt32) -> [RelayMessage] {
        split(quotas, room: RelayLimits.controlBody - Allow.fixedSize) { $0.wireSize }.map { part, isLast in
            .used(Used(serial: isLast ? serial : 0, quotas: Array(part)))
        }
    }
}

/// What a node uses of one quota.
public struct UsedQuota: Sendable, Hashable {
    public var name: QuotaName
    public var viewers: UInt32
    /// To viewers, by the rates of what they watch.
    public var kilobits: UInt32
    public var publishers: UInt32

    public init(name: QuotaName, viewers: UInt32, kilobits: UInt32, publishers: UInt32) {
        self.name = name
        self.viewers = viewers
        self.kilobits = kilobits
        self.publishers = publishers
    }

    var wireSize: Int { name.wireSize + 12 }
}

extension QuotaName {
    fileprivate var wireSize: Int { 4 + app.utf8.count + stream.utf8.count }
}

/// As few parts as the limits allow, the last of them marked; one that is empty where there is nothing.
private func split<Item>(_ items: [Item], room: Int, _ size: (Item) -> Int) -> [(part: ArraySlice<Item>, isLast: Bool)]
{
    var parts: [ArraySlice<Item>] = []
    var start = 0
    var left = room
    for (index, item) in items.enumerated() {
        if index - start == RelayLimits.quotas || size(item) > left {
            parts.append(items[start..<index])
            (start, left) = (index, room)
        }
        left -= size(item)
    }
    parts.append(items[start...])
    return parts.enumerated().map { ($0.element, $0.offset == parts.count - 1) }
}
