/// The server's side of a WebSocket as bytes to send (RFC 6455): the upgrade's answer, and unmasked frames.
///
/// `writeHeader` is on the media path: it writes into memory that the caller owns and allocates nothing.
public enum WebSocket {
    public static let text: UInt8 = 0x1
    public static let binary: UInt8 = 0x2
    public static let close: UInt8 = 0x8
    public static let ping: UInt8 = 0x9
    public static let pong: UInt8 = 0xA

    /// Bytes of payload that a control frame may carry (§5.5).
    public static let maxControlPayload = 125
    /// Bytes of the longest server frame header.
    public static let maxHeaderSize = 10

    /// The `101` answer to a request that has a `webSocketKey`. A subprotocol is named only if the client offered it.
    public static func upgradeResponse(for request: HTTPRequest, protocol name: String? = nil) -> [UInt8] {
        guard let key = request.webSocketKey else { preconditionFailure("the request is no WebSocket upgrade") }
        var out = HTTPResponse.statusLine(101)
        HTTPResponse.append("Upgrade", "websocket", to: &out)
        HTTPResponse.append("Connection", "Upgrade", to: &out)
        HTTPResponse.append("Sec-WebSocket-Accept", acceptKey(key), to: &out)
        if let name, request.headers.contains(where: { offers($0, name) }) {
            HTTPResponse.append("Sec-WebSocket-Protocol", name, to: &out)
        }
        return out + [Ascii.cr, Ascii.lf]
    }

    /// The size of the header in front of a payload of that many bytes.
    @inlinable public static func headerSize(payloadCount: Int) -> Int {
        payloadCount < 126 ? 2 : payloadCount <= 0xFFFF ? 4 : 10
    }

    /// Writes an unmasked final frame's header and returns its size.
    ///
    /// `into` must have `headerSize(payloadCount:)` writable bytes; that many are written and no more.
    @inlinable public static func writeHeader(
        opcode: UInt8, payloadCount: Int, into: UnsafeMutableRawPointer
    ) -> Int {
        into.storeBytes(of: 0x80 | opcode, as: UInt8.self)
        if payloadCount < 126 {
            into.storeBytes(of: UInt8(truncatingIfNeeded: payloadCount), toByteOffset: 1, as: UInt8.self)
            return 2
        }
        if payloadCount <= 0xFFFF {
            into.storeBytes(of: 126, toByteOffset: 1, as: UInt8.self)
            let length = UInt16(truncatingIfNeeded: payloadCount).bigEndian
            into.storeBytes(of: length, toByteOffset: 2, as: UInt16.self)
            return 4
        }
        into.storeBytes(of: 127, toByteOffset: 1, as: UInt8.self)
        into.storeBytes(of: UInt64(payloadCount).bigEndian, toByteOffset: 2, as: UInt64.self)
        return 10
    }

    /// A whole ping or pong; a payload beyond what a control frame may carry is cut.
    public static func controlFrame(opcode: UInt8, payload: [UInt8] = []) -> [UInt8] {
        let payload = payload.prefix(maxControlPayload)
        return [0x80 | opcode, UInt8(payload.count)] + payload
    }

    /// A close frame; the reason is cut at a character so that it fits and stays UTF-8 (§5.5.1).
    public static func closeFrame(code: UInt16, reason: String = "") -> [UInt8] {
        var payload = [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)]
        for scalar in reason.unicodeScalars {
            let encoded = String(scalar).utf8
            guard payload.count + encoded.count <= maxControlPayload else { break }
            payload += encoded
        }
        return controlFrame(opcode: close, payload: payload)
    }

    /// 16 bytes in base64 (§4.1): 22 characters and two of padding.
    static func isKey(_ key: String) -> Bool {
        let bytes = Array(key.utf8)
        guard bytes.count == 24, bytes[22] == UInt8(ascii: "="), bytes[23] == UInt8(ascii: "=") else { return false }
        return bytes[..<22].allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
    }

    private static func offers(_ header: HTTPRequest.Header, _ name: String) -> Bool {
        header.name == "sec-websocket-protocol" && Ascii.list(header.value).contains { $0 == name }
    }
}
