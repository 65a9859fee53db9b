/// Some of a stream's audio tracks, by their numbers: those that one message is of, for example. A value of two bytes.
///
/// A number above ``highest`` is in no set: such a track is relayed and recorded like any other, and is not offered apart.
public struct TrackSet: Sendable, Hashable {
    /// Tracks that a set tells apart have numbers from 0 to this one: each costs a playlist of its own.
    public static let highest: UInt8 = 15
    /// The first track alone, which most streams have.
    public static let first = TrackSet(bits: 1)

    private var bits: UInt16

    private init(bits: UInt16) { self.bits = bits }

    public init() { bits = 0 }

    public mutating func insert(_ track: UInt8) {
        if track <= TrackSet.highest { bits |= 1 << UInt16(track) }
    }

    public mutating func formUnion(_ other: TrackSet) { bits |= other.bits }

    public func contains(_ track: UInt8) -> Bool {
        track <= TrackSet.highest && bits & 1 << UInt16(track) != 0
    }

    public func contains(_ other: TrackSet) -> Bool { other.bits & ~bits == 0 }

    /// The numbers in order.
    public var numbers: [UInt8] { (0...TrackSet.highest).filter { contains($0) } }
}
