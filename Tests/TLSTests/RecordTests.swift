import Fixtures
import Glibc
import Testing

@testable import TLS

/// A version and a cipher, as a client insists on them.
struct Suite: Sendable, CustomTestStringConvertible {
    let version: String
    let cipher: String
    var testDescription: String { "\(version) \(cipher)" }

    static let all = [
        Suite(version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256"),
        Suite(version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384"),
        Suite(version: "TLSv1.3", cipher: "TLS_CHACHA20_POLY1305_SHA256"),
        Suite(version: "TLSv1.2", cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
        Suite(version: "TLSv1.2", cipher: "ECDHE-ECDSA-AES256-GCM-SHA384"),
        Suite(version: "TLSv1.2", cipher: "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ]
}

struct RecordTests {
    private func pair(_ suite: Suite = Suite.all[0], isWide: Bool = true) throws -> Pair {
        let dialling = try client()
        dialling.insist(version: suite.version, cipher: suite.cipher)
        let pair = Pair(dialling, try server())
        if !isWide { pair.server.sealNarrowly() }
        try pair.talk()
        #expect(pair.server.version == suite.version && pair.server.cipher == suite.cipher)
        return pair
    }

    private func bytes(_ count: Int, _ seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return generator.bytes(count)
    }

    /// The server's, sealed from vectors of those sizes into one buffer.
    private func seal(_ pair: Pair, _ text: [UInt8], cut sizes: [Int], room: Int = 200_000) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: room)
        let sealed = text.withUnsafeBytes { text in
            var vectors: [iovec] = []
            var at = 0
            for size in sizes + [text.count] {
                let size = min(size, text.count - at)
                vectors.append(
                    iovec(iov_base: UnsafeMutableRawPointer(mutating: text.baseAddress! + at), iov_len: size))
                at += size
            }
            return out.withUnsafeMutableBytes { pair.server.seal(vectors, vectors.count, into: $0).sealed }
        }
        return Array(out[..<sealed])
    }

    /// Types and sizes of the records in a row of them.
    private func records(_ bytes: [UInt8]) -> [(type: UInt8, size: Int)] {
        var found: [(UInt8, Int)] = []
        var at = 0
        while at + 5 <= bytes.count {
            let size = Int(bytes[at + 3]) << 8 | Int(bytes[at + 4])
            found.append((bytes[at], size))
            at += 5 + size
        }
        #expect(at == bytes.count)
        return found
    }

    @Test(
        "with every cipher of either version records are sealed here, and open to the same bytes", arguments: Suite.all,
        [true, false])
    func ciphers(suite: Suite, isWide: Bool) throws {
        let pair = try pair(suite, isWide: isWide)
        #expect(pair.server.sealsItself && pair.client.sealsItself)
        let text = bytes(100_000)
        for (start, sizes) in [(0, []), (1, [1]), (16_383, [0, 16_383, 0, 3, 16_400]), (50_000, [17, 20_000])] {
            let part = Array(text[start...])
            try pair.carry(seal(pair, part, cut: sizes), toServer: false)
            #expect(pair.answered.suffix(part.count) == part[...])
        }
    }

    @Test("small vectors share a record, and a large one is cut into full records")
    func sizes() throws {
        let pair = try pair()
        let text = bytes(40_000)
        let sealed = seal(pair, text, cut: [100, 0, 200, 7, 300])
        #expect(records(sealed).map(\.size) == [16_384 + 17, 16_384 + 17, 40_000 - 2 * 16_384 + 17])
        try pair.carry(sealed, toServer: false)
        #expect(pair.answered == text)
    }

    @Test("random pieces through random buffers arrive whole and in order", arguments: 1...6)
    func random(seed: UInt64) throws {
        let pair = try pair(Suite.all[Int(seed - 1)])
        var generator = SeededGenerator(seed: seed)
        var sent: [UInt8] = []
        for turn in 0..<150 {
            let text = bytes(Int.random(in: 1...40_000, using: &generator), UInt64(turn))
            let taken = try pair.send(text, room: Int.random(in: 0...40_000, using: &generator))
            sent += text[..<taken]
            if turn % 40 == 7 { try turnKey(pair, ofServer: seed % 2 == 0) }
        }
        #expect(pair.answered == sent, "seed \(seed)")
    }

    /// New keys on either side's wish, where the version knows them.
    private func turnKey(_ pair: Pair, ofServer: Bool) throws {
        guard pair.server.version == "TLSv1.3" else { return }
        #expect((ofServer ? pair.server : pair.client).renewKey(askingPeer: true))
        try pair.carry(pair.client.takeOutput(), toServer: true)
        try pair.carry(pair.server.takeOutput(), toServer: false)
    }

    @Test("no two records are sealed alike, whoever wrote them", arguments: Suite.all, [true, false])
    func nonces(suite: Suite, isWide: Bool) throws {
        let pair = try pair(suite, isWide: isWide)
        var seen: Set<[UInt8]> = []
        for _ in 0..<300 { seen.insert(seal(pair, [1, 2, 3], cut: [])) }
        pair.server.close()
        seen.insert(pair.server.takeOutput())
        #expect(seen.count == 301)
    }

    @Test("a client that asks for new keys gets them, and everything before and behind them")
    func asked() throws {
        let pair = try pair()
        try pair.carry(seal(pair, bytes(9_000), cut: []), toServer: false)
        #expect(pair.client.renewKey(askingPeer: true))
        try pair.carry(pair.client.takeOutput(), toServer: true)
        #expect(!pair.server.hasOutput && pair.server.sealsItself, "the answer has time until something is said")
        let sealed = seal(pair, bytes(50_000, 2), cut: [10, 20])
        #expect(records(sealed).first?.size == 5 + 17, "one answer goes first")
        #expect(!pair.server.sealsItself, "the new key is OpenSSL's alone")
        try pair.carry(sealed, toServer: false)
        #expect(pair.answered == bytes(9_000) + bytes(50_000, 2))
        for _ in 0..<3 { try turnKey(pair, ofServer: false) }
        try pair.carry(seal(pair, bytes(10, 3), cut: []), toServer: false)
        #expect(pair.answered.suffix(10) == bytes(10, 3)[...])
        pair.server.close()
        try pair.carry(pair.server.takeOutput(), toServer: false)
        #expect(pair.client.isClosedByPeer)
    }

    @Test("a client that renews its own keys changes nothing of the server's")
    func unasked() throws {
        let pair = try pair()
        #expect(pair.client.renewKey())
        try pair.carry(pair.client.takeOutput(), toServer: true)
        #expect(!pair.server.hasOutput && pair.server.sealsItself)
        try pair.carry(seal(pair, bytes(9_000), cut: []), toServer: false)
        #expect(pair.answered == bytes(9_000))
    }

    @Test("a key that has sealed as many records as it may is renewed in front of the next, again and again")
    func limit() throws {
        let pair = try pair()
        pair.server.recordsPerKey = 10
        for turn in 0..<35 { try pair.carry(seal(pair, bytes(100, UInt64(turn)), cut: []), toServer: false) }
        #expect(pair.answered == (0..<35).flatMap { bytes(100, UInt64($0)) })
        #expect(pair.server.keysRenewed == 3 && !pair.server.sealsItself && !pair.server.hasOutput)
        let old = try self.pair(Suite.all[3])
        old.server.recordsPerKey = 10
        for _ in 0..<35 { try old.carry(seal(old, [7], cut: []), toServer: false) }
        #expect(old.server.keysRenewed == 0 && old.answered.count == 35)
    }

    @Test("a record that was changed on the way is refused", arguments: Suite.all)
    func changed(suite: Suite) throws {
        for place in [5, 12, 60, 120] {
            let pair = try pair(suite)
            var sealed = seal(pair, bytes(100), cut: [])
            sealed[min(place, sealed.count - 1)] ^= 1
            #expect(throws: TLSError.self) { try pair.carry(sealed, toServer: false) }
            #expect(pair.answered.isEmpty)
        }
    }

    @Test(
        "what the session says itself counts with the rest: the end is heard behind the last record",
        arguments: Suite.all)
    func ending(suite: Suite) throws {
        let pair = try pair(suite)
        try pair.carry(seal(pair, bytes(100), cut: []), toServer: false)
        pair.server.close()
        try pair.carry(pair.server.takeOutput(), toServer: false)
        #expect(pair.client.isClosedByPeer && pair.answered == bytes(100))
    }
}
