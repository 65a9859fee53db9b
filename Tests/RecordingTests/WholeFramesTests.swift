import Testing

@testable import Recording

/// Files of each format, and where their frames end.
private struct File {
    var bytes: [UInt8]
    var ends: [Int]

    init(_ format: RecordingFormat, frames: Int) {
        bytes = []
        ends = []
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        func box(_ type: String, _ size: Int) -> [UInt8] {
            number(8 + size, 4) + Array(type.utf8) + [UInt8](repeating: 1, count: size)
        }
        switch format {
        case .flv: bytes = Array("FLV".utf8) + [1, 5, 0, 0, 0, 9, 0, 0, 0, 0]
        case .fmp4: bytes = box("ftyp", 24) + box("moov", 700)
        case .ts: bytes = File.packet(0x4000, start: [0, 0, 0xB0])
        }
        ends.append(bytes.count)
        for frame in 0..<frames {
            // Some larger than what is read at once.
            let size = frame % 7 == 3 ? 150_000 : 40 + frame * 11
            switch format {
            case .flv:
                bytes += [9] + number(size, 3) + [UInt8](repeating: 0, count: 7) + [UInt8](repeating: 2, count: size)
                bytes += number(size + 11, 4)
            case .fmp4:
                bytes += box("prft", 16) + box("moof", 90)
                // Some say their size in 64 bits.
                let long = number(1, 4) + Array("mdat".utf8) + number(16 + size, 8)
                bytes += frame % 2 == 0 ? box("mdat", size) : long + [UInt8](repeating: 2, count: size)
            case .ts:
                bytes += File.packet(0x4100, start: [0, 0, 1, 0xE0])
                for _ in 0..<(size / 184) { bytes += File.packet(0x0100, start: [0, 0, 2]) }
            }
            ends.append(bytes.count)
        }
    }

    private static func packet(_ word: Int, start: [UInt8]) -> [UInt8] {
        let head = [0x47, UInt8(word >> 8), UInt8(word & 0xFF), 0x10] + start
        return head + [UInt8](repeating: 0xFF, count: 188 - head.count)
    }

    func end(of format: RecordingFormat, cutAt size: Int) throws -> Int64? {
        try WholeFrames.end(of: format, size: Int64(size)) { [bytes] offset, count in
            Array(bytes[..<size].dropFirst(Int(offset)).prefix(count))
        }
    }
}

@Suite struct WholeFramesTests {
    @Test("a file that is cut off ends with its last whole frame", arguments: RecordingFormat.allCases)
    func cut(format: RecordingFormat) throws {
        let file = File(format, frames: 20)
        let places = Array(stride(from: file.ends[0], through: file.bytes.count, by: 997)) + file.ends
        for size in places {
            // One byte of a packet does not say whether it is a frame's first.
            if format == .ts, size % 188 == 1 { continue }
            let end = try file.end(of: format, cutAt: size)
            // Between packets nobody can tell whether a frame goes on: it is left as it is.
            let isWhole = format == .ts && (size % 188 == 0)
            #expect(end == Int64(isWhole ? size : file.ends.last { $0 <= size }!), "cut at \(size)")
        }
    }

    @Test("a file that is not what its name says is left as it is", arguments: RecordingFormat.allCases)
    func strange(format: RecordingFormat) throws {
        let file = File(format == .ts ? .flv : .ts, frames: 3)
        #expect(try file.end(of: format, cutAt: file.bytes.count - 5) == nil)
        #expect(try file.end(of: format, cutAt: 0) == nil)
    }

    @Test("sizes that lead nowhere end the search")
    func hostile() throws {
        var file = File(.fmp4, frames: 2)
        for size in [UInt8(0), 7] {
            let at = file.ends[1]
            file.bytes.replaceSubrange(at..<at + 4, with: [0, 0, 0, size])
            #expect(try file.end(of: .fmp4, cutAt: file.bytes.count) == Int64(at))
        }
        let endless = [0, 0, 0, 1] + [UInt8](repeating: 0xFF, count: 12)
        file.bytes.replaceSubrange(file.ends[1]..<file.ends[1] + endless.count, with: endless)
        #expect(try file.end(of: .fmp4, cutAt: file.bytes.count) == Int64(file.ends[1]))
    }
}
