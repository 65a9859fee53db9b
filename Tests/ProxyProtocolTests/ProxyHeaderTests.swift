import Fixtures
import Testing

@testable import ProxyProtocol

private func parse(_ bytes: [UInt8]) throws -> ProxyHeader? { try ProxyHeader.parse(bytes.span) }
private func parse(_ text: String) throws -> ProxyHeader? { try parse(Array(text.utf8)) }

private let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

private func binary(command: UInt8 = 0x21, family: UInt8, _ body: [UInt8]) -> [UInt8] {
    signature + [command, family, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
}

struct ProxyHeaderTests {
    static let four: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0xC0, 0, 0x07, 0x8F]
    static let six: [UInt8] =
        [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [9] + [UInt8](repeating: 0, count: 16)
        + [0x1F, 0x90, 0x07, 0x8F]

    @Test("a line says who the client is, and nothing of what follows is read")
    func text() throws {
        let line = "PROXY TCP4 192.0.2.7 198.51.100.1 49152 1935\r\n"
        let header = try #require(try parse(line + "\u{3}more"))
        #expect(header == ProxyHeader(source: .init(host: "192.0.2.7", port: 49_152), size: line.utf8.count))
        let six = try parse("PROXY TCP6 2001:db8::9 2001:db8::1 5 443\r\n")
        #expect(six?.source == .init(host: "2001:db8::9", port: 5))
        #expect(try parse("PROXY UNKNOWN\r\n") == ProxyHeader(source: nil, size: 15))
        #expect(try parse("PROXY UNKNOWN ffff:f::1 whatever\r\n")?.source == nil)
    }

    @Test("a binary header says the same, with what a proxy adds to it")
    func binaryHeaders() throws {
        let four = try #require(try parse(binary(family: 0x11, Self.four) + [3, 3]))
        #expect(four == ProxyHeader(source: .init(host: "192.0.2.7", port: 49_152), size: 28))
        let added = try parse(binary(family: 0x21, Self.six + [0x04, 0, 1, 0]))
        #expect(added == ProxyHeader(source: .init(host: "2001:db8::9", port: 8_080), size: 56))
        #expect(try parse(binary(command: 0x20, family: 0x11, Self.four))?.source == nil, "the proxy's own check")
        #expect(try parse(binary(family: 0x00, []))?.source == nil)
        #expect(try parse(binary(family: 0x31, [UInt8](repeating: 1, count: 216)))?.source == nil)
    }

    @Test(
        "long addresses are written as everybody writes them",
        arguments: [
            ([0, 0, 0, 0, 0, 0, 0, 1], "::1"), ([0, 0, 0, 0, 0, 0, 0, 0], "::"),
            ([0xfe80, 0, 0, 1, 0, 0, 0, 5], "fe80:0:0:1::5"), ([1, 0, 2, 3, 4, 5, 6, 7], "1:0:2:3:4:5:6:7"),
            ([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0207], "192.0.2.7"), ([1, 2, 3, 4, 5, 6, 0, 0], "1:2:3:4:5:6::"),
        ] as [([UInt16], String)])
    func longAddresses(groups: [UInt16], text: String) throws {
        let bytes = groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        #expect(try parse(binary(family: 0x21, bytes + bytes + [0, 1, 0, 2]))?.source?.host == text)
    }

    @Test("every cut of a header waits for the rest")
    func cuts() throws {
        let headers = [
            Array("PROXY TCP4 192.0.2.7 198.51.100.1 49152 1935\r\n".utf8), binary(family: 0x11, Self.four),
            binary(family: 0x21, Self.six),
        ]
        for header in headers {
            for count in 0..<header.count { #expect(try parse(Array(header[..<count])) == nil, "\(count) bytes") }
            #expect(try parse(header)?.size == header.count)
        }
    }

    @Test(
        "what is no header is refused at its first wrong byte",
        arguments: [
            ("G", .notAHeader), ("PROXZ", .notAHeader), ("\u{3}\0\0", .notAHeader), ("\r\n\r\nG", .notAHeader),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", .malformedText), ("PROXY \r\n", .malformedText),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", .malformedText),
            ("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n", .malformedText),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", .malformedText),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", .malformedText),
            ("PROXY TCP6 1.2.3.4 ::1 1 2\r\n", .malformedText), ("PROXY TCP6 ::1\"x ::1 1 2\r\n", .malformedText),
            ("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", .malformedText),
            ("PROXY TCP4 " + String(repeating: "1", count: 100), .textTooLong),
        ] as [(String, ProxyError)])
    func refused(text: String, error: ProxyError) {
        #expect(throws: error) { try parse(text) }
        #expect(!"\(error)".isEmpty)
    }

    @Test("a binary header of another version, command or length is refused")
    func refusedBinary() {
        #expect(throws: ProxyError.unknownVersion(1)) { try parse(binary(command: 0x11, family: 0x11, Self.four)) }
        #expect(throws: ProxyError.unknownCommand(2)) { try parse(binary(command: 0x22, family: 0x11, Self.four)) }
        #expect(throws: ProxyError.truncatedAddresses) { try parse(binary(family: 0x21, Self.four)) }
        #expect(throws: ProxyError.truncatedAddresses) { try parse(binary(family: 0x11, [1, 2])) }
        #expect(throws: ProxyError.tooLong(announced: 16 + 0x7FFF)) { try parse(signature + [0x21, 0x11, 0x7F, 0xFF]) }
    }

    @Test("any bytes are a header, wait for more, or are refused", arguments: 1...8 as ClosedRange<UInt64>)
    func anyBytes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let starts = [
            Array("PROXY TCP4 1.2.3.4 ".utf8), binary(family: 0x11, Self.four), binary(family: 0x21, Self.six),
        ]
        for _ in 0..<2_000 {
            var bytes = starts[Int(random.next() % 3)]
            for _ in 0..<random.next() % 4 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(random.next() & 255)
            }
            bytes += (0..<random.next() % 200).map { _ in UInt8(random.next() & 255) }
            if let header = try? parse(bytes) { #expect(header.size <= bytes.count, "seed \(seed)") }
        }
    }
}
