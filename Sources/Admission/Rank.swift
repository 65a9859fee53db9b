/// What a session is to its node. Where there is not room for all, a publisher goes before a relay child, and a relay
/// child, behind which stand many viewers, before a viewer.
public enum Rank: Int, Comparable, Sendable, CaseIterable {
    case viewer
    case relay
    case publisher

    public static func < (a: Rank, b: Rank) -> Bool { a.rawValue < b.rawValue }
}
