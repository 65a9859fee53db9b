/// The ten bytes before every message: `length u32 | type u8 | flags u8 | stream u32`, the length being the body's.
import Media

@usableFromInline struct MessageHeader: Sendable, Equatable {
    var count: Int
    var type: UInt8
    var flags: UInt8
    var stream: UInt32

    /// Computed, as are other sizes: a frame's are needed for each, in other modules too.
    @inlinable static var size: Int { 10 }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(u32: UInt32(truncatingIfNeeded: count))
        bytes.append(type)
        bytes.append(flags)
        bytes.append(u32: stream)
        return bytes
    }

    @inline(__always) static func parse(_ bytes: Span<UInt8>, at: Int) -> MessageHeader {
        MessageHeader(
            count: Int(bytes.u32(at: at)), type: bytes[at + 4], flags: bytes[at + 5], stream: bytes.u32(at: at + 6))
    }
}

/// The types of messages. Those from `firstOptional` on may be passed over by who does not know them.
public enum MessageType: UInt8, Sendable, CaseIterable {
    case hello = 1
    case proof = 2
    case subscribe = 3
    case subscribed = 4
    case refused = 5
    case credit = 6
    case frame = 7
    case end = 8
    case moved = 9
    case unsubscribe = 10
    case ping = 11
    case pong = 12
    case path = 13
    case announce = 14
    case withdraw = 15
    case fenced = 16
    case goaway = 17

    // Between a node and a dispatcher.
    case register = 128
    case load = 129
    case carry = 130
    case want = 131
    case unwant = 132
    case steer = 133
    case room = 134
    case raise = 135
    case allow = 136
    case used = 137

    public static let firstOptional: UInt8 = 128

    /// Whether the message is about one stream, whose number is then in its header and not 0.
    var needsStream: Bool {
        switch self {
        case .subscribed, .credit, .frame, .end, .moved, .unsubscribe, .path: true
        default: false
        }
    }

    /// Whether it may come before the peer is known.
    var belongsToHandshake: Bool { self == .hello || self == .proof || self == .refused }
}
