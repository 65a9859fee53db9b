/// The name of one frame of a stream, given by its ingest node and the same at every node: the publish session and the
/// frame's place in it. A newer epoch is greater than everything of an older one.
public struct FrameNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var epoch: UInt64
    public var sequence: UInt64

    /// The number of the first frame of every epoch; 0 is no number.
    public static let firstSequence: UInt64 = 1

    @inlinable public init(epoch: UInt64, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    /// The first frame of an epoch.
    @inlinable public init(startOf epoch: UInt64) { self.init(epoch: epoch, sequence: FrameNumber.firstSequence) }

    /// The number of the frame that follows in the same epoch.
    @inlinable public var successor: FrameNumber { FrameNumber(epoch: epoch, sequence: sequence + 1) }

    @inlinable public var isValid: Bool {
        // Nothing becomes more than everything by the subtraction.
        epoch &- 1 < RelayLimits.highestNumber && sequence &- 1 < RelayLimits.highestNumber
    }

    @inlinable public static func < (a: FrameNumber, b: FrameNumber) -> Bool {
        a.epoch == b.epoch ? a.sequence < b.sequence : a.epoch < b.epoch
    }

    public var description: String { "\(epoch)/\(sequence)" }
}
