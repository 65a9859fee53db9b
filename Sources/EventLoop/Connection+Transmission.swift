/// What the kernel knows of a connection's packets.
import CSystem

/// Packets with data that were sent, and how many of them again because they were lost or late; both since the start, and
/// modulo 2³².
public struct Transmission: Sendable, Equatable {
    public var segments: UInt64
    public var again: UInt64
}

extension Connection {
    /// Nil for what is no TCP connection.
    public var transmission: Transmission? {
        var (segments, again) = (UInt64(0), UInt64(0))
        guard cs_transmission(descriptor, &segments, &again) != 0 else { return nil }
        return Transmission(segments: segments, again: again)
    }
}
