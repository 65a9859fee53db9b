import Media
import Testing

@testable import FLV

struct PlainFrameTests {
    private func plain(_ kind: MediaKind, _ body: [UInt8]) -> PlainFrame? { PlainFrame(kind, body.span) }

    /// What the parsers say of a body, in the words of `PlainFrame`; nil if it is something else, or cannot be read.
    private func parsed(_ kind: MediaKind, _ body: [UInt8]) -> PlainFrame? {
        switch kind {
        case .video:
            guard let packet = try? VideoPacket.parse(body.span), packet.isCoded, !packet.isSequenceHeader else {
                return nil
            }
            return packet.isKeyframe ? .keyframe : .picture
        case .audio:
            guard let packet = try? AudioPacket.parse(body.span), packet.isCoded, !packet.isSequenceHeader else {
                return nil
            }
            return .sound
        case .script: return nil
        }
    }

    @Test("what is taken for plain is what the parsers say, whatever the first bytes and the length")
    func agrees() {
        let tails: [[UInt8]] = [[], [0], [0, 0, 0], [118, 99, 49, 0, 0, 0], [104, 118, 99, 49, 0, 0, 0, 1]]
        for kind in MediaKind.allCases {
            for first in UInt8.min...UInt8.max {
                for second in UInt8.min...20 {
                    for tail in tails {
                        let body = [first, second] + tail
                        guard let found = plain(kind, body) else { continue }
                        #expect(found == parsed(kind, body), "\(kind) \(body)")
                    }
                }
            }
            #expect(plain(kind, []) == nil)
        }
    }

    @Test("pictures and sound of the usual codecs are plain, in the old words and in the new")
    func usual() {
        let rest: [UInt8] = [0, 0, 0, 0, 0, 0, 1, 0x65]
        for codec: UInt8 in [7, 12, 13] {
            #expect(plain(.video, [0x10 | codec, 1] + rest) == .keyframe)
            #expect(plain(.video, [0x20 | codec, 1] + rest) == .picture)
        }
        #expect(plain(.video, [0x91] + Array("hvc1".utf8) + rest) == .keyframe)
        #expect(plain(.video, [0xa3] + Array("av01".utf8) + rest) == .picture)
        #expect(plain(.audio, [0xaf, 1] + rest) == .sound)
        #expect(plain(.audio, [0xaf, 0] + rest) == nil)
        #expect(plain(.script, rest) == nil)
    }
}
