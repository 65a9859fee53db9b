/// Turns what peers have chosen, such as a stream's name, into a part of a file name that can do no harm.
///
/// Invariants: the result is not empty, has at most `maxBytes` bytes of UTF-8, holds no separator, no control or
/// direction character, does not begin with a dot or a hyphen nor end with a dot or a space. Whatever had to be changed
/// ends with a hash of the original, so that two streams never share a name because both had to be changed.
enum SafeName {
    /// Bytes of one value. Two of them, a date and a suffix fit in one component of `FilePattern.maxComponentBytes`.
    static let maxBytes = 80

    static func value(_ text: String) -> String { bounded(text, to: maxBytes) }

    /// A whole component: made of safe values and the pattern's own text, it may still be too long, or say what is said
    /// of unfinished files.
    static func component(_ text: String, to limit: Int) -> String {
        text.utf8.count <= limit ? text : cut(text, original: text, to: limit)
    }

    private static func bounded(_ text: String, to limit: Int) -> String {
        var safe = ""
        // What lies beyond the limit is never looked at: the name may be of any length.
        for scalar in text.unicodeScalars.prefix(limit + 1) {
            safe.unicodeScalars.append(isSafe(scalar) ? scalar : "_")
        }
        if let first = safe.first, first == "." || first == "-" { safe = "_" + safe.dropFirst() }
        if let last = safe.last, last == "." || last == " " { safe = safe.dropLast() + "_" }
        if safe.isEmpty { return "_" }
        return safe.utf8.elementsEqual(text.utf8) && safe.utf8.count <= limit
            ? safe : cut(safe, original: text, to: limit)
    }

    private static func cut(_ safe: String, original: String, to limit: Int) -> String {
        let mark = "~" + hash(original)
        var kept = ""
        var room = limit - mark.utf8.count
        for scalar in safe.unicodeScalars {
            room -= String(scalar).utf8.count
            guard room >= 0 else { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept + mark
    }

    private static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x20, 0x7F...0x9F: false
        // Line and paragraph separators, and what turns the direction of text: names that read as others.
        case 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF0...0xFFFF: false
        default: !#"/\:*?"<>|{}%~"#.unicodeScalars.contains(scalar)
        }
    }

    /// FNV-1a: told apart is all that is asked, nobody is kept out by it.
    private static func hash(_ text: String) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
