/// What a node may be used for. Publishing works on any node; the roles say what dispatch sends there of its own will.
public struct Roles: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Publishers are sent here.
    public static let ingest = Roles(rawValue: 1)
    /// May pass a stream on to nodes of other IDCs.
    public static let relay = Roles(rawValue: 2)
    /// Viewers are sent here.
    public static let edge = Roles(rawValue: 4)
    /// A relay that is kept free: paths lead through it only when every ordinary one is out.
    public static let reserve = Roles(rawValue: 8)

    var mayRelay: Bool { !isDisjoint(with: [.relay, .reserve]) }
}
