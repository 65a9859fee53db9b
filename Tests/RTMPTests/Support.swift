import Media
import RTMP

/// Deterministic noise for the tests.
struct Random {
    var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func below(_ n: Int) -> Int { Int(next() % UInt64(max(n, 1))) }
}

/// A plain handshake of a client that does not look at what it gets.
let plainHandshake: [UInt8] = [3] + [UInt8](repeating: 0, count: 3072)

func amf(_ values: AMFValue...) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(amf: values)
    return bytes
}

/// A chunk header of format 0, 1 or 2 with a one-byte chunk stream number, and its extended timestamp.
func header(
    _ format: UInt8, _ chunkStream: UInt8, time: UInt32 = 0, length: Int = 0, type: UInt8 = 0, stream: UInt32 = 0
) -> [UInt8] {
    var bytes: [UInt8] = [format << 6 | chunkStream]
    bytes.append(u24: min(time, 0xFFFFFF))
    if format <= 1 {
        bytes.append(u24: UInt32(length))
        bytes.append(type)
    }
    if format == 0 { bytes.append(u32le: stream) }
    if time >= 0xFFFFFF { bytes.append(u32: time) }
    return bytes
}

/// A message in chunks, as the encoder under test writes it.
func message(
    _ type: UInt8, time: UInt32 = 0, stream: UInt32 = 1, _ payload: [UInt8], chunkSize: Int = 128
) -> [UInt8] {
    let size = ChunkEncoder.encodedSize(payloadCount: payload.count, timestamp: time, chunkSize: chunkSize)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = payload.withUnsafeBytes {
            ChunkEncoder.encode(
                type: type, timestamp: time, messageStream: stream, payload: $0, chunkSize: chunkSize,
                into: UnsafeMutableRawPointer(buffer.baseAddress!))
        }
    }
}

func command(_ values: AMFValue...) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(amf: values)
    return message(20, stream: 0, bytes)
}

func connect(_ object: AMFObject = ["app": "live", "tcUrl": "rtmp://host/live"]) -> [UInt8] {
    command("connect", 1.0, .object(object))
}

func messages(_ bytes: [UInt8], _ reader: inout ChunkReader) throws -> [Message] {
    var all: [Message] = []
    var at = 0
    while let message = try reader.next(bytes.span, from: &at) { all.append(message) }
    return all
}

func messages(_ bytes: [UInt8]) throws -> [Message] {
    var reader = ChunkReader()
    return try messages(bytes, &reader)
}

extension ServerSession {
    /// A session past its handshake that was fed `bytes`.
    static func fed(_ bytes: [UInt8], limits: Limits = Limits()) throws(RTMPError) -> ServerSession {
        var session = ServerSession(limits: limits, random: 7)
        try session.receive((plainHandshake + bytes).span)
        return session
    }

    mutating func drain() -> [ServerEvent] {
        var events: [ServerEvent] = []
        while let event = nextEvent() { events.append(event) }
        return events
    }

    mutating func feed(_ bytes: [UInt8]) throws(RTMPError) { try receive(bytes.span) }

    /// The commands and data messages among the answers so far.
    mutating func answers(skipping: Int = 0) throws -> [[AMFValue]] {
        let output = Array(takeOutput().dropFirst(skipping))
        var reader = ChunkReader()
        _ = try messages(message(1, [0, 0, 0xEA, 0x60]), &reader)
        return try messages(output, &reader).filter { $0.type == 20 || $0.type == 18 }.map {
            var reader = AMFReader($0.payload)
            return try reader.readAll()
        }
    }
}
