import Fixtures
import Media
import Testing

@testable import FLV

/// One tag as `FLVTag.encode` writes it.
func encoded(_ kind: MediaKind, _ timestamp: UInt32, _ payload: [UInt8]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xee, count: FLVTag.encodedSize(payloadCount: payload.count))
    let written = bytes.withUnsafeMutableBytes { target in
        payload.withUnsafeBytes { source in
            FLVTag.encode(kind: kind, timestamp: timestamp, payload: source, into: target.baseAddress!)
        }
    }
    #expect(written == bytes.count)
    return bytes
}

struct FLVTagTests {
    @Test("a tag is header, payload and size, with the timestamp's upper byte last")
    func layout() {
        #expect(
            encoded(.video, 0x1234_5678, [0xaa, 0xbb]) == hex("09 000002 345678 12 000000 aabb 0000000d"))
        #expect(encoded(.audio, 0, []) == hex("08 000000 000000 00 000000 0000000b"))
    }

    @Test("the file header says which tracks there are")
    func fileHeader() {
        #expect(FLVTag.fileHeader(hasAudio: true, hasVideo: true) == hex("464c5601 05 00000009 00000000"))
        #expect(FLVTag.fileHeader(hasAudio: false, hasVideo: true)[4] == 1)
        #expect(FLVTag.fileHeader(hasAudio: true, hasVideo: false)[4] == 4)
    }

    @Test("a tag header needs all its bytes")
    func shortHeader() {
        #expect(throws: FLVError.shortTag) { try TagHeader.parse([9, 0, 0].span) }
    }
}

struct FLVReaderTests {
    private static let frames = [
        FLVFrame(kind: .script, timestamp: 0, payload: [2, 0, 0]),
        FLVFrame(kind: .video, timestamp: 0xffff_fff0, payload: Array(0..<40)),
        FLVFrame(kind: .audio, timestamp: 0x0100_0000, payload: []),
        FLVFrame(kind: .audio, timestamp: 5, payload: [0xaf, 1, 7]),
    ]

    private static let file =
        FLVTag.fileHeader(hasAudio: true, hasVideo: true)
        + frames.flatMap { encoded($0.kind, $0.timestamp, $0.payload) }

    private func read(_ pieces: [ArraySlice<UInt8>]) throws -> [FLVFrame] {
        var reader = FLVReader()
        var result: [FLVFrame] = []
        for piece in pieces {
            try reader.receive(Array(piece).span)
            while let frame = reader.next() { result.append(frame) }
        }
        return result
    }

    @Test("what is written is read, whole or a byte at a time")
    func roundTrip() throws {
        #expect(try read([Self.file[...]]) == Self.frames)
        #expect(try read(Self.file.indices.map { Self.file[$0...$0] }) == Self.frames)
    }

    @Test("every cut into three pieces reads the same")
    func splits() throws {
        for first in 0...Self.file.count {
            for second in stride(from: first, through: Self.file.count, by: 7) {
                let pieces = [Self.file[..<first], Self.file[first..<second], Self.file[second...]]
                #expect(try read(pieces) == Self.frames)
            }
        }
    }

    @Test("a longer file header and tags of unknown types are passed over")
    func tolerance() throws {
        var file = hex("464c5601 05 0000000b 0102 00000000")
        file += hex("0c 000003 000000 00 000000 aabbcc 00000000")
        file += encoded(.audio, 9, [1])
        #expect(try read([file[...]]) == [FLVFrame(kind: .audio, timestamp: 9, payload: [1])])
    }

    @Test("violations are named, and the reader stays failed")
    func violations() {
        func failure(_ bytes: [UInt8]) -> FLVError? {
            var limits = FLVReader.Limits()
            limits.tag = 1_000
            var reader = FLVReader(limits: limits)
            do throws(FLVError) { try reader.receive(bytes.span) } catch {
                #expect(throws: error) { try reader.receive([0].span) }
                return error
            }
            return nil
        }
        let header = FLVTag.fileHeader(hasAudio: true, hasVideo: true)
        #expect(failure(hex("474946383961000000")) == .badSignature)
        #expect(failure(hex("464c5601 05 00000008")) == .badHeaderSize(8))
        #expect(failure(hex("464c5601 05 ffffffff")) == .badHeaderSize(.max))
        #expect(failure(header + hex("09 0003e9 000000 00 000000")) == .oversizeTag(bytes: 1_001, limit: 1_000))
        #expect(failure(header + hex("29 000009 000000 00 000000")) == .encryptedTag)
        #expect(FLVError.shortTag.reason == "flv_short_tag")
    }
}
