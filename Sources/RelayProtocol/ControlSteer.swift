/// Control plane. The question where a stream is to be had, and its answer.

/// Asks a dispatcher for the parents of a stream.
public struct Want: Sendable, Equatable {
    /// The node's number for this question, repeated in the answer; not 0, which is a move unasked for.
    public var request: UInt32
    public var name: RelayStreamName
    /// Parents that have just failed, the latest first; no more than `RelayLimits.failedParents` are sent.
    public var failed: [NodeID]

    public init(request: UInt32, name: RelayStreamName, failed: [NodeID] = []) {
        self.request = request
        self.name = name
        self.failed = failed
    }
}

/// A dispatcher's answer: the parents to try, in this order.
public struct Steer: Sendable, Equatable {
    /// The question's number; 0 is a planned move, unasked for.
    public var request: UInt32
    public var name: RelayStreamName
    /// Without any, nobody publishes the stream. No more than `RelayLimits.steerParents` are sent.
    public var parents: [SteerParent]
    /// For operators; cut to `RelayLimits.text` bytes.
    public var why: String

    public init(request: UInt32, name: RelayStreamName, parents: [SteerParent], why: String = "") {
        self.request = request
        self.name = name
        self.parents = parents
        self.why = why
    }
}

/// One parent that a node may take a stream from.
///
/// Invariant: the path ends with the parent. Whether the receiver is in it, or would be one too many, is the receiver's
/// to see (`RelayPath.extended`): it passes over such a parent and takes the next.
public struct SteerParent: Hashable, Sendable {
    public let place: RelayPlace
    /// From the ingest node to the parent.
    public let path: RelayPath

    public init(place: RelayPlace, path: RelayPath) {
        precondition(path.nodes.last == place.node, "the path to a parent ends with it")
        self.place = place
        self.path = path
    }
}
