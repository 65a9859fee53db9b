/// A way from one IDC to another with at most two IDCs between, and what it weighed when it was last reckoned.
///
/// Ordered by cost; equal costs by the relays' numbers, so that every dispatcher with the same view ranks alike.
struct CandidatePath: Equatable, Comparable, Sendable {
    var cost: Double
    /// The relays between, in order; -1 for none. The second is -1 whenever the first is.
    var first: Int16
    var second: Int16

    static let none = CandidatePath(cost: .infinity, first: -1, second: -1)

    var exists: Bool { cost < .infinity }

    var relays: Int { first < 0 ? 0 : second < 0 ? 1 : 2 }

    @inline(__always)
    static func < (one: CandidatePath, other: CandidatePath) -> Bool {
        if one.cost != other.cost { return one.cost < other.cost }
        return one.first != other.first ? one.first < other.first : one.second < other.second
    }
}
