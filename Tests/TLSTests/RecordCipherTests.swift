import COpenSSL
import Fixtures
import Glibc
import Testing

@testable import TLS

/// The two kinds of cipher against one another, and against the words of the standard. Where the processor has no wide
/// instructions OpenSSL is compared with itself.
struct RecordCipherTests {
    private struct Case {
        var nonce: [UInt8]
        var beside: [UInt8]
        var text: [UInt8]
        var last: UInt8?
        /// Where the text is cut into vectors.
        var cuts: [Int] = []
    }

    /// Sealed at an odd place, with marks around it that have to stay.
    private func seal(_ cipher: RecordCipher, _ one: Case) -> [UInt8] {
        let (mark, margin) = (UInt8(0xA5), 7)
        var out = [UInt8](repeating: mark, count: one.text.count + 1 + RecordCipher.tagSize + 2 * margin)
        let size = one.text.withUnsafeBytes { text in
            var vectors: [iovec] = []
            for (start, end) in zip([0] + one.cuts, one.cuts + [text.count]) {
                let start = text.baseAddress.map { UnsafeMutableRawPointer(mutating: $0 + start) }
                vectors.append(iovec(iov_base: start, iov_len: end - (vectors.reduce(0) { $0 + $1.iov_len })))
            }
            var reader = VectorReader(vectors, vectors.count, skipping: 0)
            return out.withUnsafeMutableBytes { out in
                one.beside.withUnsafeBytes { beside in
                    one.nonce.withUnsafeBytes { nonce in
                        cipher.seal(
                            nonce: nonce.baseAddress!, beside: beside, &reader, text.count, last: one.last,
                            into: out.baseAddress! + margin)
                    }
                }
            }
        }
        #expect(size == one.text.count + (one.last == nil ? 0 : 1) + RecordCipher.tagSize)
        #expect(out[..<margin].allSatisfy { $0 == mark } && out[(margin + size)...].allSatisfy { $0 == mark })
        return Array(out[margin..<(margin + size)])
    }

    private func both(_ kind: RecordCipher.Kind, _ key: [UInt8]) throws -> (wide: RecordCipher, library: RecordCipher) {
        (try #require(RecordCipher(kind, key: key)), try #require(RecordCipher(kind, key: key, isWide: false)))
    }

    @Test(
        "every size up to some batches, with any number of bytes beside it, becomes what OpenSSL makes of it",
        arguments: [RecordCipher.Kind.aes128, .aes256])
    func sizes(kind: RecordCipher.Kind) throws {
        var generator = SeededGenerator(seed: 11)
        let (wide, library) = try both(kind, generator.bytes(kind.keySize))
        defer { wide.free() }
        defer { library.free() }
        for size in Array(0...1_100) + [8_191, 9_460, 16_127, 16_128, 16_383, 16_384] {
            for last in [nil, UInt8(23)] {
                let one = Case(
                    nonce: generator.bytes(RecordCipher.nonceSize),
                    beside: generator.bytes(1 + size % RecordCipher.besideSize),
                    text: generator.bytes(size), last: last)
                #expect(seal(wide, one) == seal(library, one), "size \(size), last \(String(describing: last))")
            }
        }
    }

    @Test("keys, nonces and cuts at random make no difference between the two", arguments: 1...8)
    func random(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let kind = [RecordCipher.Kind.aes128, .aes256][Int(seed % 2)]
        for _ in 0..<15 {
            let (wide, library) = try both(kind, generator.bytes(kind.keySize))
            defer { wide.free() }
            defer { library.free() }
            for _ in 0..<4 {
                let text = generator.bytes(Int.random(in: 0...TLSSession.recordSize, using: &generator))
                let cuts = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                    Int.random(in: 0...text.count, using: &generator)
                }
                let one = Case(
                    nonce: generator.bytes(RecordCipher.nonceSize), beside: generator.bytes(5), text: text,
                    last: Bool.random(using: &generator) ? 23 : nil, cuts: cuts.sorted())
                #expect(seal(wide, one) == seal(library, one), "seed \(seed)")
            }
        }
    }

    /// Test cases 1, 2, 3 and 14 of the specification of GCM (McGrew and Viega, appendix B): no text, a block of zeroes,
    /// four blocks, and a long key.
    @Test("the specification's own examples come out", arguments: [true, false])
    func vectors(isWide: Bool) throws {
        let zeroes = { [UInt8](repeating: 0, count: $0) }
        let rows: [(key: [UInt8], nonce: [UInt8], text: [UInt8], sealed: String)] = [
            (zeroes(16), zeroes(12), [], "58e2fccefa7e3061367f1d57a4e7455a"),
            (
                zeroes(16), zeroes(12), zeroes(16),
                "0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf"
            ),
            (
                hex("feffe9928665731c6d6a8f9467308308"), hex("cafebabefacedbaddecaf888"),
                hex(
                    """
                    d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72
                    1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b391aafd255
                    """),
                """
                42831ec2217774244b7221b784d0d49c e3aa212f2c02a4e035c17e2329aca12e
                21d514b25466931c7d8f6a5aac84aa05 1ba30b396a0aac973d58e091473f5985
                4d5c2af327cd64a62cf35abd2ba6fab4
                """
            ),
            (
                zeroes(32), zeroes(12), zeroes(16),
                "cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919"
            ),
        ]
        for row in rows {
            let kind = row.key.count == 16 ? RecordCipher.Kind.aes128 : .aes256
            let cipher = try #require(RecordCipher(kind, key: row.key, isWide: isWide && RecordCipher.isWide))
            defer { cipher.free() }
            let one = Case(nonce: row.nonce, beside: [], text: row.text)
            #expect(seal(cipher, one) == hex(row.sealed))
        }
    }

    @Test("OpenSSL opens what was sealed here, and nothing that was changed in one bit", arguments: 1...4)
    func opens(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let key = generator.bytes(16)
        let cipher = try #require(RecordCipher(.aes128, key: key))
        defer { cipher.free() }
        for _ in 0..<100 {
            let one = Case(
                nonce: generator.bytes(12), beside: generator.bytes(5),
                text: generator.bytes(Int.random(in: 1...2_000, using: &generator)))
            var sealed = seal(cipher, one)
            #expect(open(key, one, sealed) == one.text, "seed \(seed)")
            sealed[Int.random(in: 0..<sealed.count, using: &generator)] ^=
                1 << UInt8.random(in: 0...7, using: &generator)
            #expect(open(key, one, sealed) == nil, "seed \(seed)")
        }
    }

    private func open(_ key: [UInt8], _ one: Case, _ sealed: [UInt8]) -> [UInt8]? {
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        var out = [UInt8](repeating: 0, count: sealed.count)
        var tag = Array(sealed.suffix(RecordCipher.tagSize))
        let size = Int32(sealed.count - tag.count)
        var count: Int32 = 0
        guard EVP_DecryptInit_ex2(context, EVP_aes_128_gcm(), key, one.nonce, nil) == 1,
            EVP_DecryptUpdate(context, nil, &count, one.beside, Int32(one.beside.count)) == 1,
            EVP_DecryptUpdate(context, &out, &count, sealed, size) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1,
            EVP_DecryptFinal_ex(context, nil, &count) == 1
        else { return nil }
        return Array(out[..<Int(size)])
    }
}
