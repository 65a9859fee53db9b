/// Where a client is, as far as anybody knows.
public enum Whereabouts: Hashable, Sendable {
    case at(Coordinates)
    case region(String)
    case unknown
}

/// The answer to a client that wants in.
public enum Admission: Hashable, Sendable {
    /// Here: the node where it came, or the one that was asked for.
    case admit(NodeIndex, Why)
    /// Elsewhere.
    case redirect(to: NodeIndex, Why)
    /// Nowhere at present. A client may try again after some seconds, unless the refusal is for good.
    case refuse(Refusal, retryAfter: Int)

    public var node: NodeIndex? {
        switch self {
        case .admit(let node, _), .redirect(let node, _): node
        case .refuse: nil
        }
    }

    /// Seconds after which a refused client may try again: about a report's interval, so that the answer can differ.
    public static let retrySeconds = 10
}
