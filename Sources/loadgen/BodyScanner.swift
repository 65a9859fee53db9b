//! The answer to an HTTP request, down to the pieces of its body: plain, chunked (RFC 9112 §7.1), or the frames of
//! a WebSocket (RFC 6455 §5.2).

struct BodyScanner {
    /// Bytes of a response head that are waited for.
    private static let headLimit = 16_384

    private enum State {
        case head
        case plain
        case chunkSize
        case chunkData(Int)
        /// The CR LF behind a chunk.
        case chunkEnd(Int)
        case frameHeader
        case frameData(Int, isMedia: Bool)
    }

    private var state = State.head
    private var gathered: [UInt8] = []
    private let webSocket: Bool

    init(webSocket: Bool) { self.webSocket = webSocket }

    /// The next piece of the body at the front of `input`; nil when all of `input` is used up.
    mutating func next(_ input: inout UnsafeRawBufferPointer) throws(Failure) -> UnsafeRawBufferPointer? {
        while input.count > 0 {
            switch state {
            case .plain:
                defer { input = UnsafeRawBufferPointer(rebasing: input[input.count...]) }
                return input
            case .chunkData(let count):
                let piece = take(min(count, input.count), &input)
                state = piece.count == count ? .chunkEnd(2) : .chunkData(count - piece.count)
                return piece
            case .frameData(let count, let isMedia):
                let piece = take(min(count, input.count), &input)
                state = piece.count == count ? .frameHeader : .frameData(count - piece.count, isMedia: isMedia)
                if isMedia { return piece }
            case .chunkEnd(let count):
                _ = take(1, &input)
                state = count == 1 ? .chunkSize : .chunkEnd(count - 1)
            case .head, .chunkSize, .frameHeader:
                gathered.append(input[0])
                _ = take(1, &input)
                try advance()
            }
        }
        return nil
    }

    private func take(_ count: Int, _ input: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        defer { input = UnsafeRawBufferPointer(rebasing: input[count...]) }
        return UnsafeRawBufferPointer(rebasing: input[..<count])
    }

    /// Looks whether the bytes gathered so far are a whole head, size line or frame header.
    private mutating func advance() throws(Failure) {
        switch state {
        case .head:
            if gathered.suffix(4).elementsEqual([13, 10, 13, 10]) {
                try readHead()
            } else if gathered.count > BodyScanner.headLimit {
                throw Failure("a response head of more than \(BodyScanner.headLimit) bytes")
            }
        case .chunkSize:
            guard gathered.last == 10 else {
                if gathered.count > 64 { throw Failure("a chunk size of more than 64 characters") }
                return
            }
            let digits = gathered.prefix { $0 != 13 && $0 != 10 && $0 != 0x3b && $0 != 0x20 }
            guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
                throw Failure("a chunk size that is no number")
            }
            if size == 0 { throw Failure("end of the stream") }
            gathered.removeAll(keepingCapacity: true)
            state = .chunkData(size)
        case .frameHeader:
            try readFrameHeader()
        default: break
        }
    }

    private mutating func readHead() throws(Failure) {
        let lines = String(decoding: gathered, as: UTF8.self).lowercased().split(separator: "\r\n")
        let status = lines.first.map { $0.split(separator: " ").dropFirst().first ?? "" } ?? ""
        guard status == (webSocket ? "101" : "200") else { throw Failure("HTTP status \(status)") }
        let chunked = lines.contains { $0.hasPrefix("transfer-encoding:") && $0.hasSuffix("chunked") }
        gathered.removeAll(keepingCapacity: true)
        state = webSocket ? .frameHeader : chunked ? .chunkSize : .plain
    }

    private mutating func readFrameHeader() throws(Failure) {
        guard gathered.count >= 2 else { return }
        let short = Int(gathered[1] & 0x7f)
        let whole = short == 126 ? 4 : short == 127 ? 10 : 2
        guard gathered.count == whole else { return }
        let length = whole == 2 ? short : gathered[2...].reduce(0) { ($0 & 0xff_ffff_ffff) << 8 | Int($1) }
        let operation = gathered[0] & 0x0f
        gathered.removeAll(keepingCapacity: true)
        if operation == 8 { throw Failure("end of the stream") }
        state = length == 0 ? .frameHeader : .frameData(length, isMedia: operation <= 2)
    }
}
