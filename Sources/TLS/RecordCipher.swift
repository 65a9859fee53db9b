/// Data plane. Encrypts the text of a record and authenticates it, with one key: AES-GCM in wide instructions where the
/// processor has them, OpenSSL's cipher everywhere else and for ChaCha20.
///
/// Invariants: a key is in one place only, expanded, and is wiped when it is let go of. Neither kind looks at a nonce:
/// that none comes twice is the business of `RecordSealer`. A cipher's owner frees it once, and seals nothing after.
import COpenSSL
import Glibc

enum RecordCipher {
    case wide(OpaquePointer)
    case library(OpaquePointer)

    static let tagSize = 16
    static let nonceSize = 12
    /// The most bytes that can be authenticated beside the text.
    static let besideSize = 16

    enum Kind {
        case aes128, aes256, chacha20
        var keySize: Int { self == .aes128 ? 16 : 32 }
    }

    /// Nil where OpenSSL lacks the cipher.
    /// - Parameter isWide: whether wide instructions may be used; tests compare the two.
    init?(_ kind: Kind, key: UnsafePointer<UInt8>, isWide: Bool = RecordCipher.isWide) {
        if isWide, kind != .chacha20 {
            let wide = OpaquePointer(
                UnsafeMutableRawPointer.allocate(byteCount: CGCM_KEY_SIZE, alignment: CGCM_KEY_ALIGNMENT))
            cgcm_set_key(wide, key, Int32(kind.keySize))
            self = .wide(wide)
            return
        }
        guard let cipher = RecordCipher.fetched(kind), let library = EVP_CIPHER_CTX_new() else { return nil }
        guard EVP_EncryptInit_ex2(library, cipher, key, nil, nil) == 1 else {
            EVP_CIPHER_CTX_free(library)
            return nil
        }
        self = .library(library)
    }

    func free() {
        switch self {
        case .wide(let key):
            let memory = UnsafeMutableRawPointer(key)
            OPENSSL_cleanse(memory, CGCM_KEY_SIZE)
            memory.deallocate()
        case .library(let library): EVP_CIPHER_CTX_free(library)
        }
    }

    /// Whether the processor has the instructions, and they make what OpenSSL makes: asked once, at the first key.
    static let isWide = cgcm_is_known() == 1 && agreesWithLibrary(.aes128) && agreesWithLibrary(.aes256)

    /// Long enough for whole batches of blocks and what is left of one.
    private static let checkedSize = 1_111

    private static func agreesWithLibrary(_ kind: Kind) -> Bool {
        let key = (0..<kind.keySize).map { UInt8($0 &* 7 &+ 1) }
        let made = [true, false].map { isWide -> [UInt8] in
            guard let cipher = RecordCipher(kind, key: key, isWide: isWide) else { return [] }
            defer { cipher.free() }
            return cipher.checked()
        }
        return made[0] == made[1] && made[0].count == checkedSize + 1 + tagSize
    }

    private func checked() -> [UInt8] {
        var text = (0..<RecordCipher.checkedSize).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let nonce = [UInt8](repeating: 0x5a, count: RecordCipher.nonceSize)
        let beside: [UInt8] = [23, 3, 3, 4, 120]
        return text.withUnsafeMutableBytes { text in
            var vector = iovec(iov_base: text.baseAddress, iov_len: text.count)
            var plain = VectorReader(&vector, 1, skipping: 0)
            return [UInt8](unsafeUninitializedCapacity: text.count + 1 + RecordCipher.tagSize) { out, count in
                count = nonce.withUnsafeBytes { nonce in
                    beside.withUnsafeBytes { beside in
                        seal(
                            nonce: nonce.baseAddress!, beside: beside, &plain, text.count, last: 23,
                            into: UnsafeMutableRawPointer(out.baseAddress!))
                    }
                }
            }
        }
    }

    // Fetched once: a look-up by name costs more than a record. `nonisolated(unsafe)` is sound: never changed.
    private nonisolated(unsafe) static let aes128 = EVP_CIPHER_fetch(nil, "AES-128-GCM", nil)
    private nonisolated(unsafe) static let aes256 = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    private nonisolated(unsafe) static let chacha20 = EVP_CIPHER_fetch(nil, "ChaCha20-Poly1305", nil)

    private static func fetched(_ kind: Kind) -> OpaquePointer? {
        switch kind {
        case .aes128: aes128
        case .aes256: aes256
        case .chacha20: chacha20
        }
    }

    /// Seals the next `size` bytes of `plain`, which has them, and the byte `last` behind them where it is not nil, into
    /// `out`, with the tag behind. Returns how many bytes that are, or 0 if it failed. Hot: one call per viewer and flush.
    @inline(__always) func seal(
        nonce: UnsafeRawPointer, beside: UnsafeRawBufferPointer, _ plain: inout VectorReader, _ size: Int,
        last: UInt8?, into out: UnsafeMutableRawPointer
    ) -> Int {
        switch self {
        case .wide(let key): RecordCipher.sealWide(key, nonce, beside, &plain, size, last, out)
        case .library(let library): RecordCipher.sealByLibrary(library, nonce, beside, &plain, size, last, out)
        }
    }

    // MARK: Wide

    private static func sealWide(
        _ key: OpaquePointer, _ nonce: UnsafeRawPointer, _ beside: UnsafeRawBufferPointer,
        _ plain: inout VectorReader, _ size: Int, _ last: UInt8?, _ out: UnsafeMutableRawPointer
    ) -> Int {
        let first = plain.next(size)
        var text = first.baseAddress ?? UnsafeRawPointer(out)
        if first.count < size {
            // In several pieces, which is rare: they are brought together, and sealed where they lie.
            out.copyMemory(from: text, byteCount: first.count)
            guard gather(&plain, out + first.count, size - first.count) else { return 0 }
            text = UnsafeRawPointer(out)
        }
        cgcm_seal(
            key, byte(nonce), beside.baseAddress.map(byte), beside.count, byte(text), size, last.map(Int32.init) ?? -1,
            byte(out))
        return size + (last == nil ? 0 : 1) + tagSize
    }

    private static func gather(_ plain: inout VectorReader, _ out: UnsafeMutableRawPointer, _ size: Int) -> Bool {
        var at = 0
        while at < size {
            let piece = plain.next(size - at)
            guard let start = piece.baseAddress, !piece.isEmpty else { return false }
            (out + at).copyMemory(from: start, byteCount: piece.count)
            at += piece.count
        }
        return true
    }

    // MARK: OpenSSL

    private static func sealByLibrary(
        _ library: OpaquePointer, _ nonce: UnsafeRawPointer, _ beside: UnsafeRawBufferPointer,
        _ plain: inout VectorReader, _ size: Int, _ last: UInt8?, _ out: UnsafeMutableRawPointer
    ) -> Int {
        guard EVP_EncryptInit_ex2(library, nil, nil, byte(nonce), nil) == 1,
            update(library, nil, beside.baseAddress, beside.count)
        else { return 0 }
        var at = 0
        while at < size {
            let piece = plain.next(size - at)
            guard !piece.isEmpty, update(library, out + at, piece.baseAddress, piece.count) else { return 0 }
            at += piece.count
        }
        if var last {
            guard update(library, out + at, &last, 1) else { return 0 }
            at += 1
        }
        var none: Int32 = 0
        guard EVP_EncryptFinal_ex(library, byte(out + at), &none) == 1,
            EVP_CIPHER_CTX_ctrl(library, EVP_CTRL_AEAD_GET_TAG, Int32(tagSize), out + at) == 1
        else { return 0 }
        return at + tagSize
    }

    private static func update(
        _ library: OpaquePointer, _ out: UnsafeMutableRawPointer?, _ bytes: UnsafeRawPointer?, _ count: Int
    ) -> Bool {
        var written: Int32 = 0
        return EVP_EncryptUpdate(library, out.map(byte), &written, bytes.map(byte), Int32(count)) == 1
            && written == Int32(count)
    }

    private static func byte(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt8> {
        pointer.assumingMemoryBound(to: UInt8.self)
    }

    private static func byte(_ pointer: UnsafeRawPointer) -> UnsafePointer<UInt8> {
        pointer.assumingMemoryBound(to: UInt8.self)
    }
}
