/// The WebSocket accept key (RFC 6455 §4.2.2): the one place in HTTP that needs a digest.
import COpenSSL

extension WebSocket {
    /// The value of `Sec-WebSocket-Accept` that proves the server read the client's key.
    public static func acceptKey(_ key: String) -> String {
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        // SHA1 writes SHA_DIGEST_LENGTH bytes, 20, and reads `text.count`.
        let digest = [UInt8](unsafeUninitializedCapacity: Int(SHA_DIGEST_LENGTH)) { buffer, count in
            _ = SHA1(text, text.count, buffer.baseAddress)
            count = Int(SHA_DIGEST_LENGTH)
        }
        return base64(digest)
    }

    /// RFC 4648 §4, with padding.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = 0
            for (i, byte) in group.enumerated() { bits |= Int(byte) << (16 - 8 * i) }
            for i in 0..<4 {
                out.append(i <= group.count ? alphabet[bits >> (18 - 6 * i) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
