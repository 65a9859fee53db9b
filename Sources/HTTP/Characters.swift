/// The character classes of RFC 9110 §5.6 and the bytes that delimit HTTP/1.1.
enum Ascii {
    static let cr = UInt8(ascii: "\r")
    static let lf = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let colon = UInt8(ascii: ":")

    /// `tchar` of RFC 9110 §5.6.2: what methods and header names are made of.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// What a header value may hold: visible characters, blanks, and bytes above ASCII.
    static func isFieldValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == tab }

    /// In lower case, where it is a letter.
    static func lower(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    static func isToken(_ text: some StringProtocol) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isToken) }

    /// The members of a comma-separated list, blanks trimmed, empty ones left out.
    static func list(_ value: String) -> [Substring] {
        value.split(separator: ",").map { member in
            var member = member
            while let first = member.utf8.first, isBlank(first) { member.removeFirst() }
            while let last = member.utf8.last, isBlank(last) { member.removeLast() }
            return member
        }
        .filter { !$0.isEmpty }
    }
}

extension Span<UInt8> {
    /// The bytes as text, whatever they are.
    func text(_ range: Range<Int>) -> String {
        // Sound: the string is a copy.
        extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes as text in lower case: they are ASCII.
    func lowercaseText(_ range: Range<Int>) -> String {
        let part = extracting(range)
        return String(unsafeUninitializedCapacity: part.count) { buffer in
            for i in part.indices { buffer[i] = Ascii.lower(part[i]) }
            return part.count
        }
    }
}
