/// Dense numbers for what has names at the edge: inside the dispatcher nothing is looked up by text.
///
/// An index is a position in its topology (or in its dispatcher, for streams) and means nothing in another.

public struct IDCIndex: Hashable, Comparable, Sendable {
    public let position: Int

    public init(_ position: Int) { self.position = position }

    public static func < (one: IDCIndex, other: IDCIndex) -> Bool { one.position < other.position }
}

public struct NodeIndex: Hashable, Comparable, Sendable {
    public let position: Int

    public init(_ position: Int) { self.position = position }

    public static func < (one: NodeIndex, other: NodeIndex) -> Bool { one.position < other.position }
}

public struct StreamIndex: Hashable, Comparable, Sendable {
    public let position: Int

    public init(_ position: Int) { self.position = position }

    public static func < (one: StreamIndex, other: StreamIndex) -> Bool { one.position < other.position }
}
