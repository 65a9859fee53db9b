//! RTMP messages written as chunks (RTMP 1.0 §5.3), with full headers, and the bytes of the simple handshake.

@preconcurrency import Glibc

enum ChunkWriter {
    /// C0 or S0 and C1 or S1.
    static let firstFlight = 1 + 1536
    /// C2 or S2: the peer's first flight come back.
    static let secondFlight = 1536

    /// Version 3, then time 0, version 0 (which asks for no digest), and filling.
    static func appendFirstFlight(to bytes: inout [UInt8]) {
        bytes.append(3)
        bytes += [UInt8](repeating: 0, count: 8)
        for index in 0..<1528 { bytes.append(UInt8(truncatingIfNeeded: index &* 131 &+ 17)) }
    }

    static func append(
        type: UInt8, chunkStream: UInt8, timestamp: UInt32 = 0, messageStream: UInt32 = 0, chunkSize: Int,
        body: UnsafeRawBufferPointer, to bytes: inout [UInt8]
    ) {
        let extended = timestamp >= 0xff_ffff
        let time = extended ? 0xff_ffff : timestamp
        bytes.append(chunkStream)
        append24(time, to: &bytes)
        append24(UInt32(body.count), to: &bytes)
        bytes.append(type)
        withUnsafeBytes(of: messageStream.littleEndian) { bytes.append(contentsOf: $0) }
        var at = 0
        while true {
            if extended { withUnsafeBytes(of: timestamp.bigEndian) { bytes.append(contentsOf: $0) } }
            let end = min(at + chunkSize, body.count)
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: body[at..<end]))
            at = end
            if at == body.count { return }
            bytes.append(0xc0 | chunkStream)
        }
    }

    /// A command (type 20) or data message (type 18).
    static func append(
        type: UInt8 = 20, _ values: [AMFValue], messageStream: UInt32 = 0, chunkSize: Int, to bytes: inout [UInt8]
    ) {
        var body: [UInt8] = []
        for value in values { value.append(to: &body) }
        body.withUnsafeBytes {
            append(
                type: type, chunkStream: 3, messageStream: messageStream, chunkSize: chunkSize, body: $0, to: &bytes)
        }
    }

    /// A protocol control message of one 32-bit number: 1 chunk size, 3 acknowledgement, 5 window.
    static func append(control type: UInt8, _ value: UInt32, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) {
            append(type: type, chunkStream: 2, chunkSize: 128, body: $0, to: &bytes)
        }
    }

    /// A user control message (type 4).
    static func append(event: UInt16, _ payload: [UInt8], to bytes: inout [UInt8]) {
        let body = [UInt8(event >> 8), UInt8(event & 0xff)] + payload
        body.withUnsafeBytes { append(type: 4, chunkStream: 2, chunkSize: 128, body: $0, to: &bytes) }
    }

    static func append24(_ value: UInt32, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 16))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }
}
