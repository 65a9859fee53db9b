//! The answers on a keep-alive HTTP/1.1 connection, one after another, each with its length in its head.

struct AnswerScanner {
    /// Bytes of a head that are waited for.
    private static let headLimit = 16_384

    /// What an answer's head says.
    struct Head {
        var status = 0
        var length = 0
        var isLast = false
    }

    private var gathered: [UInt8] = []
    private var ends = 0
    private var head: Head?
    /// Of the body.
    private var left = 0

    /// Takes what is there of one answer from the front of `input`. `body` gets the pieces of a body; the head is given
    /// back when the answer is whole.
    mutating func next(
        _ input: inout UnsafeRawBufferPointer, body: (UnsafeRawBufferPointer) -> Void
    ) throws(Failure) -> Head? {
        if head == nil, try !takeHead(&input) { return nil }
        let piece = min(left, input.count)
        if piece > 0 { body(UnsafeRawBufferPointer(rebasing: input[..<piece])) }
        input = UnsafeRawBufferPointer(rebasing: input[piece...])
        left -= piece
        guard left == 0, let whole = head else { return nil }
        head = nil
        return whole
    }

    private mutating func takeHead(_ input: inout UnsafeRawBufferPointer) throws(Failure) -> Bool {
        var taken = 0
        // CR LF CR LF: four line ends in a row.
        while taken < input.count, ends < 4 {
            let byte = input[taken]
            let isEnd = byte == (ends % 2 == 0 ? 13 : 10)
            ends = isEnd ? ends + 1 : byte == 13 ? 1 : 0
            taken += 1
        }
        gathered += UnsafeRawBufferPointer(rebasing: input[..<taken])
        input = UnsafeRawBufferPointer(rebasing: input[taken...])
        guard gathered.count <= AnswerScanner.headLimit else { throw Failure("an answer's head has no end") }
        guard ends == 4 else { return false }
        let found = AnswerScanner.parse(gathered)
        guard found.status > 0 else { throw Failure("the answer is not HTTP/1.1") }
        head = found
        left = found.length
        ends = 0
        gathered.removeAll(keepingCapacity: true)
        return true
    }

    private static func parse(_ bytes: [UInt8]) -> Head {
        var head = Head()
        guard bytes.count > 12, bytes.starts(with: "HTTP/1.".utf8) else { return head }
        head.status = number(bytes, from: 9)
        var line = 0
        while let end = bytes[line...].firstIndex(of: 13) {
            if let value = value(bytes, line, "content-length:") { head.length = number(bytes, from: value) }
            if let value = value(bytes, line, "connection:") { head.isLast = bytes[value] | 0x20 == UInt8(ascii: "c") }
            line = end + 2
        }
        return head
    }

    /// Where the value begins, if the line is that header's. `name` is in lower case.
    private static func value(_ bytes: [UInt8], _ line: Int, _ name: StaticString) -> Int? {
        guard line + name.utf8CodeUnitCount < bytes.count else { return nil }
        for place in 0..<name.utf8CodeUnitCount where bytes[line + place] | 0x20 != name.utf8Start[place] | 0x20 {
            return nil
        }
        var start = line + name.utf8CodeUnitCount
        while start < bytes.count - 1, bytes[start] == UInt8(ascii: " ") { start += 1 }
        return start
    }

    private static func number(_ bytes: [UInt8], from start: Int) -> Int {
        var value = 0
        for byte in bytes[start...] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), value < 1 << 40 else { break }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
