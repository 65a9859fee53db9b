/// Data plane. Seals records with the keys that OpenSSL has agreed on, straight from the caller's memory.
///
/// OpenSSL hands these keys over once, before the first record under them, and seals nothing with them itself: see the
/// module's page. Invariants: `sequence` only grows, and grows before a record is sealed, so no nonce is used twice, not
/// even when a record came to nothing; after that none is sealed any more. The key goes from OpenSSL's offer into the
/// cipher, which wipes it when it goes.
import COpenSSL

final class RecordSealer {
    private let cipher: RecordCipher
    private let isVersion13: Bool
    /// TLS 1.2 with AES sends half of the nonce along (RFC 5288 §3): the record's number.
    private let sendsNonce: Bool
    private let noncePrefix: UInt32
    private let nonceMask: UInt64
    private(set) var sequence: UInt64
    private var isBroken = false

    static let headerSize = 5
    private static let explicitNonceSize = 8
    /// A record's number, and its header: what TLS 1.2 authenticates beside the text.
    private static let numberedSize = 8 + headerSize

    enum RecordType {
        static let handshake: UInt8 = 22
        static let applicationData: UInt8 = 23
    }

    /// Nil where the offer is of a kind that is better left to OpenSSL.
    init?(offer: UnsafeRawPointer, isWide: Bool) {
        var keys = cssl_keys()
        guard cssl_read_keys(offer, &keys) == 1, keys.version == TLS1_3_VERSION || keys.version == TLS1_2_VERSION,
            let kind = RecordSealer.kind(keys.cipher), let cipher = RecordCipher(kind, key: keys.key, isWide: isWide)
        else { return nil }
        self.cipher = cipher
        isVersion13 = keys.version == TLS1_3_VERSION
        sendsNonce = !isVersion13 && kind != .chacha20
        (noncePrefix, nonceMask) = withUnsafeBytes(of: keys.iv) {
            ($0.loadUnaligned(as: UInt32.self), UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt64.self)))
        }
        sequence = keys.sequence
        withUnsafeMutableBytes(of: &keys) { OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    deinit { cipher.free() }

    private static func kind(_ cipher: cssl_cipher) -> RecordCipher.Kind? {
        switch cipher {
        case CSSL_AES_128_GCM: .aes128
        case CSSL_AES_256_GCM: .aes256
        case CSSL_CHACHA20_POLY1305: .chacha20
        default: nil
        }
    }

    /// Whether the words begin a KeyUpdate (RFC 8446 §4.6.3): the last record under this key.
    func endsKey(_ type: UInt8, _ bytes: UnsafeRawBufferPointer) -> Bool {
        isVersion13 && type == RecordType.handshake && bytes.first == UInt8(SSL3_MT_KEY_UPDATE)
    }

    /// Seals the next `size` bytes of `plain` as one record. Returns its size, which is at most
    /// `TLSSession.recordOverhead` more, or 0 if nothing can be sealed. Hot: one call per viewer and flush.
    func seal(
        _ type: UInt8, _ plain: inout VectorReader, _ size: Int, into out: UnsafeMutableRawPointer
    ) -> Int {
        guard !isBroken, sequence < .max, size <= plain.left else { return 0 }
        isBroken = true
        let number = sequence
        sequence += 1
        // The nonce: 4 bytes and 8.
        let rest = (sendsNonce ? number : nonceMask ^ number).bigEndian
        let head = RecordSealer.headerSize + (sendsNonce ? RecordSealer.explicitNonceSize : 0)
        // RFC 8446 §5.2: the type is sealed, and the record looks like application data.
        let sealed = size + (isVersion13 ? 1 : head - RecordSealer.headerSize) + RecordCipher.tagSize
        write(isVersion13 ? RecordType.applicationData : type, sealed, out)
        if sendsNonce { out.storeBytes(of: rest, toByteOffset: RecordSealer.headerSize, as: UInt64.self) }
        let written = withUnsafeTemporaryAllocation(byteCount: 32, alignment: 16) { scratch in
            let nonce = scratch.baseAddress!
            nonce.storeBytes(of: noncePrefix, as: UInt32.self)
            nonce.storeBytes(of: rest, toByteOffset: 4, as: UInt64.self)
            var beside = UnsafeRawBufferPointer(start: out, count: RecordSealer.headerSize)
            if !isVersion13 {
                // RFC 5246 §6.2.3.3: the number, and the header with the size of the text.
                (nonce + 16).storeBytes(of: number.bigEndian, as: UInt64.self)
                write(type, size, nonce + 24)
                beside = UnsafeRawBufferPointer(start: nonce + 16, count: RecordSealer.numberedSize)
            }
            return cipher.seal(
                nonce: nonce, beside: beside, &plain, size, last: isVersion13 ? type : nil, into: out + head)
        }
        guard written > 0 else { return 0 }
        isBroken = false
        return head + written
    }

    private func write(_ type: UInt8, _ size: Int, _ out: UnsafeMutableRawPointer) {
        out.storeBytes(of: type, as: UInt8.self)
        // Both versions say 1.2 here.
        out.storeBytes(of: UInt16(TLS1_2_VERSION).bigEndian, toByteOffset: 1, as: UInt16.self)
        out.storeBytes(of: UInt16(size).bigEndian, toByteOffset: 3, as: UInt16.self)
    }
}
