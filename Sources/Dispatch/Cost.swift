/// What a place in a tree costs, in milliseconds and what is worth as much, with the parts that make it up.
public struct Cost: Hashable, Comparable, Sendable {
    /// The round trips from the ingest node with their losses and hops, in milliseconds.
    public var delay: Double
    /// The price of the traffic that is added, as milliseconds (`CostWeights.millisecondsPerDollar`).
    public var price: Double
    /// What the nodes' and links' filling adds.
    public var load: Double

    public static let zero = Cost(delay: 0, price: 0, load: 0)

    public init(delay: Double, price: Double, load: Double) {
        self.delay = delay
        self.price = price
        self.load = load
    }

    public var total: Double { delay + price + load }

    public static func < (one: Cost, other: Cost) -> Bool { one.total < other.total }

    static func + (one: Cost, other: Cost) -> Cost {
        Cost(delay: one.delay + other.delay, price: one.price + other.price, load: one.load + other.load)
    }
}

/// How delay, loss, price and fullness are weighed against each other. Everything is brought to milliseconds.
public struct CostWeights: Hashable, Sendable {
    /// What a millisecond of round trip between ingest node and viewer is worth against price and load; 0 asks for
    /// the cheapest tree whatever its delay.
    public var delay = 1.0

    /// Milliseconds of delay that one dollar per gigabyte is worth: at 1,000, a link that saves a cent per GB
    /// may be 10 ms slower.
    public var millisecondsPerDollar = 1_000.0

    /// Milliseconds that a loss of all packets would add: at 2,000, one percent counts like 20 ms.
    public var lossMilliseconds = 2_000.0

    /// Milliseconds that each node on the way adds, at the median of a machine that is not overloaded.
    public var hop = 1.0

    public init() {}

    /// The price of a relay hop inside an IDC: small, so that a stream is not spread over more nodes than need be.
    static let insideHop = 0.5

    func quality(rtt: Double, loss: Double) -> Double { delay * (rtt + lossMilliseconds * loss) }

    func price(_ price: Price) -> Double { millisecondsPerDollar * price.perSteadyGigabyte }
}

/// The convex penalty: gentle up to the soft mark, steep beyond it, infinite at the hard mark.
///
/// `position` is 0 when idle, 1 at the soft mark, 2 at the hard mark, linear between. The curve and its slope rise
/// throughout.
@inline(__always)
func fillPenalty(_ position: Double) -> Double {
    guard position > 1 else { return penaltyAtSoft * position * position }
    guard position < 2 else { return .infinity }
    let beyond = position - 1
    return penaltyAtSoft + penaltySlope * beyond / (1 - beyond)
}

/// Milliseconds at the soft mark.
private let penaltyAtSoft = 10.0
/// Milliseconds half way between the marks: any path that is not full wins over one that is beyond its soft mark.
private let penaltySlope = 2_000.0
