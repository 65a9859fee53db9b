import COpenSSL

/// The digests that Flash Player 9 and later, and the encoders that follow it, put into their handshakes.
///
/// A block of 1536 bytes hides 32 bytes of HMAC-SHA256 over the rest of it, at a place that four other bytes of it
/// tell. There are two schemes for where those four bytes are. The keys are constants of the protocol: the digest
/// proves nothing about the peer, but Flash plays H.264 only from a server that answers in kind, and ffmpeg checks it.
enum HandshakeDigest {
    static let size = 32
    /// The first half of `playerKey` signs the client's block, that of `serverKey` the server's.
    static let playerKey = Array("Genuine Adobe Flash Player 001".utf8)
    static let serverKey = Array("Genuine Adobe Flash Media Server 001".utf8)
    /// What follows either name in the key that signs the answer to a digest.
    static let secret: [UInt8] = [
        0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57, 0x6E, 0xEC,
        0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
    ]

    enum Scheme: Int, CaseIterable {
        case digestFirst = 8
        case keyFirst = 772

        /// Where the digest is in `block`.
        func offset(in block: [UInt8]) -> Int {
            let sum = block[rawValue..<rawValue + 4].reduce(0) { $0 + Int($1) }
            return rawValue + 4 + sum % 728
        }
    }

    /// The scheme and the digest of a block, if it has a valid one.
    static func find(in block: [UInt8], key: [UInt8]) -> (scheme: Scheme, digest: [UInt8])? {
        guard block.count == Handshake.blockSize else { return nil }
        for scheme in Scheme.allCases {
            let offset = scheme.offset(in: block)
            let digest = Array(block[offset..<offset + size])
            if digest == self.digest(of: block, at: offset, key: key) { return (scheme, digest) }
        }
        return nil
    }

    /// Writes the digest of a block into it, and returns it.
    @discardableResult
    static func sign(_ block: inout [UInt8], scheme: Scheme, key: [UInt8]) -> [UInt8] {
        let offset = scheme.offset(in: block)
        let digest = digest(of: block, at: offset, key: key)
        block.replaceSubrange(offset..<offset + size, with: digest)
        return digest
    }

    /// Writes the signature of an answer to `digest` into the last 32 bytes of a block.
    static func answer(_ digest: [UInt8], in block: inout [UInt8], name: [UInt8]) {
        let end = block.count - size
        let key = hmac(digest, key: name + secret)
        block.replaceSubrange(end..<block.count, with: hmac(Array(block[..<end]), key: key))
    }

    private static func digest(of block: [UInt8], at offset: Int, key: [UInt8]) -> [UInt8] {
        hmac(Array(block[..<offset] + block[(offset + size)...]), key: key)
    }

    private static func hmac(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: size)
        var written: UInt32 = 0
        // Safe: SHA-256 writes 32 bytes, which `digest` has; lengths are those of the arrays.
        let result = HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &digest, &written)
        precondition(result != nil && Int(written) == size, "OpenSSL has no HMAC-SHA256")
        return digest
    }
}
