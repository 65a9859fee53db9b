import Testing

@testable import Operations

@Suite struct LogLineTests {
    private let when: (seconds: Int64, milliseconds: Int) = (1_767_323_045, 678)

    @Test("a text line reads as time, level, event, session and fields")
    func plain() {
        let line = LogLine(
            level: .info, event: "publish.start", session: "r-1a2b",
            fields: [("stream", "live/a"), ("address", "127.0.0.1:5000")])
        #expect(
            text(line.encode(format: .text, timestamp: when))
                == "2026-01-02T03:04:05.678Z INFO  publish.start session=r-1a2b stream=live/a address=127.0.0.1:5000\n")
    }

    @Test("the same line as JSON has the same parts")
    func json() throws {
        let line = LogLine(level: .warning, event: "session.end", session: "r-1", fields: [("reason", "idle")])
        let bytes = line.encode(format: .json, timestamp: when)
        #expect(bytes.last == UInt8(ascii: "\n"))
        #expect(
            try ReadJSON(bytes)
                == .object([
                    "time": .string("2026-01-02T03:04:05.678Z"), "level": .string("warning"),
                    "event": .string("session.end"), "session": .string("r-1"), "reason": .string("idle"),
                ]))
    }

    @Test("values with spaces, quotes, equals signs or nothing in them are quoted")
    func quoting() {
        let line = LogLine(
            level: .error, event: "e",
            fields: [("a", ""), ("b", "x y"), ("c", "k=v"), ("d", "say \"hi\" \\"), ("e", "é")])
        #expect(
            text(line.encode(format: .text, timestamp: when)).dropFirst(25)
                == #"ERROR e a="" b="x y" c="k=v" d="say \"hi\" \\" e=é"# + "\n")
    }

    @Test("whatever a peer sends, a line is one line without controls", arguments: LogFormat.allCases)
    func hostile(_ format: LogFormat) {
        let forged = "x\n2026-01-02T03:04:05.678Z INFO  publish.start session=r-9"
        let line = LogLine(level: .info, event: "e", session: forged, fields: [("agent", Samples.hostile)])
        let bytes = line.encode(format: format, timestamp: when)
        #expect(bytes.filter { $0 == UInt8(ascii: "\n") }.count == 1)
        #expect(bytes.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        #expect(!text(bytes).unicodeScalars.contains { ["\u{85}", "\u{2028}", "\u{202e}"].contains($0) })
    }

    @Test("a long value is cut between characters and says so")
    func long() {
        let line = LogLine(level: .info, event: "e", fields: [("a", String(repeating: "é", count: 100_000))])
        let written = text(line.encode(format: .text, timestamp: when))
        #expect(written.utf8.count < LogLine.maxValueBytes + 60)
        #expect(written.hasSuffix("é…\n"))
    }

    @Test(
        "dates are right across leap years and centuries",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"), (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.000Z"),
            (1_798_761_599, "2026-12-31T23:59:59.000Z"),
        ] as [(Int64, String)])
    func dates(_ seconds: Int64, _ expected: String) {
        #expect(CivilTime.text(seconds: seconds, milliseconds: 0) == expected)
    }

    @Test("levels have an order and names")
    func levels() {
        #expect(LogLevel.debug < .info && LogLevel.info < .warning && LogLevel.warning < .error)
        #expect(LogLevel.allCases.allSatisfy { LogLevel(name: $0.name) == $0 })
        #expect(LogLevel(name: "loud") == nil)
    }
}
