/// Which nodes a stream has come through by being published from one to the next: what HTTP's `Via` is for (RFC 9110
/// §7.6.3), so that a stream that comes back to where it was is told from a new one.
///
/// It travels in the member `via` of the connect command, which servers of others pass over. A node stands there by a
/// number that it has drawn when it started: nobody learns its name, and two with the same name are two.
public struct Via: Sendable, Equatable {
    public private(set) var nodes: [UInt64] = []

    /// Nodes on one way. Longer is a circle, or made up.
    public static let longest = 16

    public init() {}

    /// What is no number, or beyond the longest way, is passed over: it is a stranger's word.
    init(_ text: String) {
        for word in text.split(separator: " ") where nodes.count < Via.longest {
            if let node = UInt64(word, radix: 16) { nodes.append(node) }
        }
    }

    var text: String { nodes.map { String($0, radix: 16) }.joined(separator: " ") }

    public func contains(_ node: UInt64) -> Bool { nodes.contains(node) }

    /// With one more node at its end; nil if there are as many as may be.
    public func extended(by node: UInt64) -> Via? {
        guard nodes.count < Via.longest else { return nil }
        var via = self
        via.nodes.append(node)
        return via
    }
}
