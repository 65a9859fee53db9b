/// A part of a segment, as a place in a stream: the next part of it, or the first of the next segment, is behind it.
public struct LivePosition: Hashable, Comparable, Sendable {
    public var number: UInt32
    public var part: UInt32

    public init(number: UInt32, part: UInt32) {
        self.number = number
        self.part = part
    }

    public static func < (one: LivePosition, other: LivePosition) -> Bool {
        (one.number, one.part) < (other.number, other.part)
    }
}
