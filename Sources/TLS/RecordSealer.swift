/// Data plane. Seals records with the keys that OpenSSL has agreed on, straight from the caller's memory.
///
/// OpenSSL hands these keys over once, before the first record under them, and seals nothing with them itself: see the
/// module's page. Invariants: `sequence` only grows, and grows before a record is sealed, so no nonce is used twice, not
/// even when a record came to nothing; after that none is sealed any more. The key is never in memory of ours: it goes
/// from OpenSSL's offer into OpenSSL's cipher, which wipes it when it is freed.
import COpenSSL

final class RecordSealer {
    private let cipher: OpaquePointer
    private let isVersion13: Bool
    /// TLS 1.2 with AES sends half of the nonce along (RFC 5288 §3): the record's number.
    private let sendsNonce: Bool
    private let noncePrefix: UInt32
    private let nonceMask: UInt64
    private(set) var sequence: UInt64
    private var isBroken = false

    static let headerSize = 5
    static let tagSize = 16
    private static let nonceSize = 12
    private static let explicitNonceSize = 8

    enum RecordType {
        static let handshake: UInt8 = 22
        static let applicationData: UInt8 = 23
    }

    /// Nil where the offer is of a kind that is better left to OpenSSL.
    init?(offer: UnsafeRawPointer) {
        var keys = cssl_keys()
        guard cssl_read_keys(offer, &keys) == 1, keys.version == TLS1_3_VERSION || keys.version == TLS1_2_VERSION,
            let kind = RecordSealer.kind(keys.cipher), let cipher = EVP_CIPHER_CTX_new()
        else { return nil }
        guard EVP_EncryptInit_ex2(cipher, kind, keys.key, nil, nil) == 1 else {
            EVP_CIPHER_CTX_free(cipher)
            return nil
        }
        self.cipher = cipher
        isVersion13 = keys.version == TLS1_3_VERSION
        sendsNonce = !isVersion13 && kind != RecordSealer.chacha20
        (noncePrefix, nonceMask) = withUnsafeBytes(of: keys.iv) {
            ($0.loadUnaligned(as: UInt32.self), UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt64.self)))
        }
        sequence = keys.sequence
        withUnsafeMutableBytes(of: &keys) { OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    deinit { EVP_CIPHER_CTX_free(cipher) }

    // Fetched once: a look-up by name costs more than a record. `nonisolated(unsafe)` is sound: never changed.
    private nonisolated(unsafe) static let aes128 = EVP_CIPHER_fetch(nil, "AES-128-GCM", nil)
    private nonisolated(unsafe) static let aes256 = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    private nonisolated(unsafe) static let chacha20 = EVP_CIPHER_fetch(nil, "ChaCha20-Poly1305", nil)

    private static func kind(_ name: UnsafePointer<CChar>) -> OpaquePointer? {
        [aes128, aes256, chacha20].first { $0 != nil && EVP_CIPHER_is_a($0, name) == 1 } ?? nil
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
        guard !isBroken, sequence < .max else { return 0 }
        isBroken = true
        let number = sequence
        sequence += 1
        let nonce = (noncePrefix, sendsNonce ? number.bigEndian : (nonceMask ^ number).bigEndian)
        guard start(number, nonce.0, nonce.1, type, size, out) else { return 0 }
        var at = RecordSealer.headerSize + (sendsNonce ? RecordSealer.explicitNonceSize : 0)
        var left = size
        while left > 0 {
            let piece = plain.next(left)
            guard !piece.isEmpty, update(out + at, piece.baseAddress, piece.count) else { return 0 }
            at += piece.count
            left -= piece.count
        }
        if isVersion13 {
            var inner = type
            guard update(out + at, &inner, 1) else { return 0 }
            at += 1
        }
        var none: Int32 = 0
        guard EVP_EncryptFinal_ex(cipher, byte(out + at), &none) == 1,
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(RecordSealer.tagSize), out + at) == 1
        else { return 0 }
        isBroken = false
        return at + RecordSealer.tagSize
    }

    /// Writes the header, and takes in the nonce and what is authenticated beside the text.
    private func start(
        _ number: UInt64, _ prefix: UInt32, _ rest: UInt64, _ type: UInt8, _ size: Int,
        _ out: UnsafeMutableRawPointer
    ) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { scratch in
            scratch.storeBytes(of: prefix, as: UInt32.self)
            scratch.storeBytes(of: rest, toByteOffset: 4, as: UInt64.self)
            let nonce = scratch.baseAddress!
            guard EVP_EncryptInit_ex2(cipher, nil, nil, byte(nonce), nil) == 1 else { return false }
            // RFC 8446 §5.2: the type is sealed, and the record looks like application data.
            let sealed =
                isVersion13
                ? size + 1 + RecordSealer.tagSize
                : size + RecordSealer.tagSize + (sendsNonce ? RecordSealer.explicitNonceSize : 0)
            write(isVersion13 ? RecordType.applicationData : type, sealed, out)
            guard !isVersion13 else { return update(nil, out, RecordSealer.headerSize) }
            if sendsNonce { out.storeBytes(of: rest, toByteOffset: RecordSealer.headerSize, as: UInt64.self) }
            // RFC 5246 §6.2.3.3: the number, and the header with the size of the text.
            scratch.storeBytes(of: number.bigEndian, as: UInt64.self)
            write(type, size, nonce + 8)
            return update(nil, nonce, 8 + RecordSealer.headerSize)
        }
    }

    private func write(_ type: UInt8, _ size: Int, _ out: UnsafeMutableRawPointer) {
        out.storeBytes(of: type, as: UInt8.self)
        // Both versions say 1.2 here.
        out.storeBytes(of: UInt16(TLS1_2_VERSION).bigEndian, toByteOffset: 1, as: UInt16.self)
        out.storeBytes(of: UInt16(size).bigEndian, toByteOffset: 3, as: UInt16.self)
    }

    private func update(_ out: UnsafeMutableRawPointer?, _ bytes: UnsafeRawPointer?, _ count: Int) -> Bool {
        var written: Int32 = 0
        return EVP_EncryptUpdate(
            cipher, out.map(byte), &written, bytes?.assumingMemoryBound(to: UInt8.self), Int32(count)) == 1
            && written == Int32(count)
    }

    private func byte(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt8> {
        pointer.assumingMemoryBound(to: UInt8.self)
    }
}
