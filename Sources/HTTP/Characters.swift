import Glibc

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
    /// The bytes there as text, whatever they are.
    func text(_ place: Range<Int>) -> String {
        // Sound: the string is a copy.
        extracting(place).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether the text stands there, whatever the case of its letters; all of it has to be within the bytes.
    func isSpelled(_ text: StaticString, at start: Int) -> Bool {
        // Sound: a static string's bytes are always there.
        for i in 0..<text.utf8CodeUnitCount where Ascii.lower(self[start + i]) != Ascii.lower(text.utf8Start[i]) {
            return false
        }
        return true
    }

    /// Whether the bytes there are the text and nothing else.
    func isExactly(_ text: StaticString, at place: Range<Int>) -> Bool {
        guard place.count == text.utf8CodeUnitCount else { return false }
        for i in 0..<place.count where self[place.lowerBound + i] != text.utf8Start[i] { return false }
        return true
    }

    /// Whether the others stand there.
    func has(_ others: Span<UInt8>, at start: Int) -> Bool {
        guard start + others.count <= count else { return false }
        let part = extracting(start..<start + others.count)
        for i in others.indices where part[i] != others[i] { return false }
        return true
    }

    /// Whether the others stand at the beginning.
    func begins(with others: [UInt8]) -> Bool {
        guard others.count <= count else { return false }
        // Sound: both are read, as far as the others go.
        return withUnsafeBufferPointer { one in
            others.withUnsafeBufferPointer { other in
                other.isEmpty || memcmp(one.baseAddress!, other.baseAddress!, other.count) == 0
            }
        }
    }

    /// What is left of the place without the blanks at its ends.
    func trimmed(_ place: Range<Int>) -> Range<Int> {
        var (start, end) = (place.lowerBound, place.upperBound)
        while start < end, Ascii.isBlank(self[start]) { start += 1 }
        while end > start, Ascii.isBlank(self[end - 1]) { end -= 1 }
        return start..<end
    }

    /// Whether the text stands anywhere in the bytes.
    func contains(_ text: Span<UInt8>) -> Bool {
        var start = 0
        while start + text.count <= count {
            if has(text, at: start) { return true }
            start += 1
        }
        return false
    }
}
