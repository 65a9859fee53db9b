import Media
import Testing

@testable import RTMP

@Suite struct ChunkTests {
    private let payload: [UInt8] = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    /// `payload` behind `first`, in chunks of 128 bytes with `again` between them.
    private func chunks(_ first: [UInt8], _ again: [UInt8]) -> [UInt8] {
        first + payload[..<128] + again + payload[128..<256] + again + payload[256...]
    }

    @Test("all four header formats carry on from each other")
    func formats() throws {
        let bytes =
            header(0, 4, time: 1000, length: 1, type: 8, stream: 1) + [1]
            + header(1, 4, time: 20, length: 2, type: 9) + [2, 2] + header(2, 4, time: 30) + [3, 3]
            + [0xC4, 4, 4] + [0xC4, 5, 5]
        let read = try messages(bytes)
        #expect(read.map(\.timestamp) == [1000, 1020, 1050, 1080, 1110])
        #expect(read.map(\.type) == [8, 9, 9, 9, 9])
        #expect(read.map(\.payload) == [[1], [2, 2], [3, 3], [4, 4], [5, 5]])
        #expect(read.allSatisfy { $0.streamID == 1 })
    }

    @Test("after a full header a bare one adds that header's timestamp")
    func bareAfterFull() throws {
        let read = try messages(header(0, 4, time: 40, length: 1, type: 8) + [1, 0xC4, 2])
        #expect(read.map(\.timestamp) == [40, 80])
    }

    @Test("timestamps roll over")
    func rollover() throws {
        let bytes = header(0, 4, time: 0xFFFF_FFF0, length: 1, type: 8) + [1] + header(2, 4, time: 0x20) + [2]
        #expect(try messages(bytes).map(\.timestamp) == [0xFFFF_FFF0, 0x10])
    }

    @Test("interleaved chunk streams are put together apart")
    func interleaved() throws {
        let bytes =
            header(0, 4, length: 200, type: 8) + [UInt8](repeating: 1, count: 128)
            + header(0, 6, length: 130, type: 9) + [UInt8](repeating: 2, count: 128) + [0xC4]
            + [UInt8](repeating: 1, count: 72) + [0xC6, 2, 2]
        let read = try messages(bytes)
        #expect(read.map(\.payload) == [[UInt8](repeating: 1, count: 200), [UInt8](repeating: 2, count: 130)])
    }

    @Test("chunk stream numbers come in two and three bytes")
    func longNumbers() throws {
        let body = Array(header(0, 0, length: 1, type: 8)[1...])
        let read = try messages([0x00, 0x05] + body + [9] + [0x01, 0x05, 0x00] + body + [8] + [0xC0, 0x05, 7])
        #expect(read.map(\.payload) == [[9], [8], [7]])
    }

    @Test(
        "extended timestamps are understood, repeated or not, in full and in delta headers",
        arguments: [UInt8(0), 1, 2], [true, false])
    func extended(format: UInt8, repeated: Bool) throws {
        let time: UInt32 = 0x0123_4567
        var again: [UInt8] = [0xC4]
        if repeated { again.append(u32: time) }
        let before = header(0, 4, time: 10, length: payload.count, type: 9) + payload[..<128]
        let whole = before + [0xC4] + payload[128..<256] + [0xC4] + payload[256...]
        let bytes = whole + chunks(header(format, 4, time: time, length: payload.count, type: 9), again)
        let expected = format == 0 ? time : time + 10
        for step in [bytes.count, 1, 3] {
            var reader = ChunkReader()
            var read: [Message] = []
            for start in stride(from: 0, to: bytes.count, by: step) {
                read += try messages(Array(bytes[start..<min(start + step, bytes.count)]), &reader)
            }
            #expect(read.map(\.timestamp) == [10, expected])
            #expect(read.map(\.payload) == [payload, payload])
        }
    }

    @Test("an encoder that repeats the time itself behind a delta header is understood")
    func extendedAbsolute() throws {
        let first = header(0, 4, time: 0x0200_0000, length: 1, type: 9) + [1]
        var again: [UInt8] = [0xC4]
        again.append(u32: 0x0300_0000)
        let bytes = first + chunks(header(1, 4, time: 0x0100_0000, length: payload.count, type: 9), again)
        let read = try messages(bytes)
        #expect(read.last?.payload == payload)
        #expect(read.last?.timestamp == 0x0300_0000)
    }

    @Test("a message that begins with a bare header may bring an extended time of its own, or none")
    func extendedBareStart() throws {
        let first = header(0, 4, time: 0x0100_0000, length: 6, type: 8) + [1, 2, 3, 4, 5, 6]
        let later: [UInt8] = [0xC4, 0x01, 0x00, 0x00, 0x17, 9, 9, 9, 9, 9, 9]
        #expect(try messages(first + later).map(\.timestamp) == [0x0100_0000, 0x0100_0017])
        #expect(try messages(first + [0xC4, 0xAF, 1, 2, 3, 4, 5]).last?.payload == [0xAF, 1, 2, 3, 4, 5])
    }

    @Test("what was looked at for an extended time that is not there is payload, wherever the input is cut")
    func extendedLookedAhead() throws {
        let first = header(0, 4, time: 0x0100_0000, length: 6, type: 8) + [1, 2, 3, 4, 5, 6]
        let bare: [UInt8] = [0xC4, 0xAF, 1, 2, 3, 4, 5]
        // A payload shorter than the field that was looked for: the next header was looked at, too.
        let short = header(0, 5, time: 0x0100_0000, length: 1, type: 9) + [7] + [0xC5, 8] + [0xC5, 9]
        let bytes = first + bare + short + bare
        let expected = try messages(bytes).map(\.payload)
        #expect(expected == [[1, 2, 3, 4, 5, 6], [0xAF, 1, 2, 3, 4, 5], [7], [8], [9], [0xAF, 1, 2, 3, 4, 5]])
        for cut in 0...bytes.count {
            for second in cut...bytes.count {
                var reader = ChunkReader()
                let read = try [bytes[..<cut], bytes[cut..<second], bytes[second...]].flatMap {
                    try messages(Array($0), &reader)
                }
                #expect(read.map(\.payload) == expected, "cut at \(cut) and \(second)")
            }
        }
    }

    @Test("the encoder's size is exact and its chunks read back", arguments: [1, 128, 299, 300, 301, 60_000])
    func encoder(chunkSize: Int) throws {
        for time in [0, 0xFFFFFE, 0xFFFFFF, 0xFFFF_FFFF] as [UInt32] {
            for body in [[], [7], payload] as [[UInt8]] {
                let bytes = message(9, time: time, body, chunkSize: chunkSize)
                var reader = ChunkReader()
                var size: [UInt8] = []
                size.append(u32: UInt32(chunkSize))
                _ = try messages(message(1, stream: 0, size), &reader)
                let expected = Message(type: 9, timestamp: time, streamID: 1, payload: body)
                #expect(try messages(bytes, &reader) == [expected])
            }
        }
    }

    @Test("an aborted message is forgotten")
    func abort() throws {
        let begun = header(0, 4, length: 300, type: 9) + payload[..<128]
        let whole = header(0, 4, length: 1, type: 8) + [5]
        #expect(try messages(begun + message(2, stream: 0, [0, 0, 0, 4]) + whole).map(\.payload) == [[5]])
    }

    @Test("a new header within a message begins the next one")
    func restart() throws {
        let begun = header(0, 4, length: 300, type: 9) + payload[..<128]
        #expect(try messages(begun + header(0, 4, length: 1, type: 8) + [5]).map(\.payload) == [[5]])
    }

    @Test("chunk sizes of zero or beyond a message are refused")
    func chunkSizes() {
        #expect(throws: RTMPError.chunkSizeZero) { try messages(message(1, [0, 0, 0, 0])) }
        #expect(throws: RTMPError.chunkSizeTooLarge(0x8000_0080)) { try messages(message(1, [0x80, 0, 0, 0x80])) }
        #expect(throws: RTMPError.malformedControl(type: 1)) { try messages(message(1, [0, 0])) }
    }

    @Test("a bare first chunk is refused; librtmp's format 1 opening is not")
    func firstChunk() throws {
        #expect(throws: RTMPError.chunkWithoutHeader(chunkStream: 4)) { try messages([0xC4, 1]) }
        #expect(try messages(header(1, 4, time: 5, length: 1, type: 8) + [1]).map(\.timestamp) == [5])
    }

    @Test("messages, unfinished data and chunk streams have limits")
    func limits() throws {
        var limits = Limits()
        limits.maxMessage = 1000
        limits.maxTotalPartial = 200
        limits.maxChunkStreams = 2
        func read(_ bytes: [UInt8]) throws {
            var reader = ChunkReader(limits: limits)
            _ = try messages(bytes, &reader)
        }
        #expect(throws: RTMPError.messageTooLarge(announced: 1001, limit: 1000)) {
            try read(header(0, 4, length: 1001, type: 9))
        }
        let part = [UInt8](repeating: 0, count: 128)
        #expect(throws: RTMPError.tooMuchPartialData(limit: 200)) {
            try read(header(0, 4, length: 300, type: 9) + part + header(0, 5, length: 300, type: 9) + part)
        }
        let one: (UInt8) -> [UInt8] = { header(0, $0, length: 1, type: 8) + [0] }
        #expect(throws: RTMPError.tooManyChunkStreams(limit: 2)) { try read(one(4) + one(5) + one(6)) }
        // What was finished or abandoned no longer counts.
        for _ in 0..<3 {
            try read(header(0, 4, length: 300, type: 9) + part + header(0, 4, length: 300, type: 9) + part)
        }
    }
}
