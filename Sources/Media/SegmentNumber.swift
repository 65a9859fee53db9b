/// Which segment of a cut stream a frame belongs to. It is given once, where the stream is published, and travels with
/// the frame: so every node cuts the same segments and calls them the same.
public struct SegmentNumber: Sendable, Hashable {
    /// Counts segments; never goes back, whoever publishes. 0: nobody has said.
    public var number: UInt32
    /// Counts what players must be told of: another publish session, with codecs and times of its own.
    public var discontinuity: UInt32
    /// Whole seconds that no segment of the session is longer than, rounded; 0 while that is not known.
    public var target: UInt8

    @inlinable public init(number: UInt32 = 0, discontinuity: UInt32 = 0, target: UInt8 = 0) {
        self.number = number
        self.discontinuity = discontinuity
        self.target = target
    }

    @inlinable public static var none: SegmentNumber { SegmentNumber() }
}
