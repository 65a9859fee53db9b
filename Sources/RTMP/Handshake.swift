import Media

/// The opening of a connection, on either side (RTMP 1.0 §5.2).
///
/// The block of the peer is collected, answered once, and freed; what the peer sends in reply is counted, not checked,
/// for some encoders send garbage there.
struct Handshake {
    static let blockSize = 1536
    static let version: UInt8 = 3

    private enum Step {
        case version
        case block([UInt8])
        case reply(left: Int)
        case done
    }

    private let isServer: Bool
    private var random: UInt64
    private var step = Step.version

    init(isServer: Bool, random: UInt64) {
        self.isServer = isServer
        self.random = random
    }

    var isDone: Bool { if case .done = step { true } else { false } }

    /// What a client sends first: version and a plain block.
    mutating func hello() -> [UInt8] { [Self.version] + block(version: [0, 0, 0, 0]) }

    /// Reads from `position` until the handshake is through or the input used up.
    mutating func receive(
        _ input: Span<UInt8>, from position: inout Int, output: inout [UInt8]
    ) throws(RTMPError) {
        while position < input.count {
            switch step {
            case .version:
                try Self.check(input[position])
                position += 1
                step = .block([])
            case .block(var bytes):
                step = .done
                let part = min(Self.blockSize - bytes.count, input.count - position)
                for i in position..<position + part { bytes.append(input[i]) }
                position += part
                if bytes.count < Self.blockSize {
                    step = .block(bytes)
                } else {
                    answer(bytes, &output)
                    step = .reply(left: Self.blockSize)
                }
            case .reply(let left):
                let part = min(left, input.count - position)
                position += part
                step = part == left ? .done : .reply(left: left - part)
            case .done: return
            }
        }
    }

    private static func check(_ byte: UInt8) throws(RTMPError) {
        switch byte {
        case version: return
        case 6, 8, 9: throw .encryptedHandshake(byte)
        case 0x16: throw .tlsOnPlainPort
        // GET, POST, HEAD, OPTIONS, DELETE: their first letters are no versions (RTMP 1.0 §5.2.2).
        case UInt8(ascii: "G"), UInt8(ascii: "P"), UInt8(ascii: "H"), UInt8(ascii: "O"), UInt8(ascii: "D"):
            throw .httpOnRTMPPort
        default: throw .unsupportedVersion(byte)
        }
    }

    private mutating func answer(_ peer: [UInt8], _ output: inout [UInt8]) {
        guard isServer else {
            output.append(contentsOf: peer)
            return
        }
        output.append(Self.version)
        // A client that shows no version in its block knows nothing of digests.
        if peer[4..<8] != [0, 0, 0, 0], let found = HandshakeDigest.find(in: peer, key: HandshakeDigest.playerKey) {
            var own = block(version: [4, 5, 0, 1])
            HandshakeDigest.sign(&own, scheme: found.scheme, key: HandshakeDigest.serverKey)
            var reply = block(version: [0, 0, 0, 0])
            HandshakeDigest.answer(found.digest, in: &reply, name: HandshakeDigest.serverKey)
            output.append(contentsOf: own)
            output.append(contentsOf: reply)
        } else {
            output.append(contentsOf: block(version: [0, 0, 0, 0]))
            output.append(contentsOf: peer)
        }
    }

    /// A block with time zero, a version, and noise (SplitMix64: it need not be secret, only not constant).
    private mutating func block(version: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0, 0, 0, 0] + version
        bytes.reserveCapacity(Self.blockSize)
        while bytes.count < Self.blockSize {
            random &+= 0x9E37_79B9_7F4A_7C15
            var z = random
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            bytes.append(u64: z ^ z >> 31)
        }
        return bytes
    }
}
