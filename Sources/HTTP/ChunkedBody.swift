/// Undoes the chunked coding of a request body (RFC 9112 §7.1), byte by byte, and drops extensions and trailers.
///
/// A chunk's announced size is checked against what the body may still grow by, and never allocated ahead.
struct ChunkedBody {
    private enum State {
        case size(value: Int, digits: Int)
        case sizeExtension
        case sizeLF(Int)
        case data(Int)
        case dataCR
        case dataLF
        case trailerStart
        case trailer
        case trailerLF
        case finalLF
        case done
    }

    private var state = State.size(value: 0, digits: 0)
    /// The size of the chunk whose line is being read.
    private var size = 0
    private var line = 0
    private var trailers = 0
    private(set) var body: [UInt8] = []

    var isDone: Bool {
        if case .done = state { true } else { false }
    }

    /// Takes bytes from `input` until it ends or the body does; returns how many.
    mutating func receive(_ input: Span<UInt8>, maxBody: Int) throws(HTTPError) -> Int {
        var position = 0
        while position < input.count, !isDone {
            if case .data(let left) = state {
                let count = min(left, input.count - position)
                for i in position..<position + count { body.append(input[i]) }
                position += count
                state = left == count ? .dataCR : .data(left - count)
            } else {
                try step(input[position], maxBody: maxBody)
                position += 1
            }
        }
        return position
    }

    private mutating func step(_ byte: UInt8, maxBody: Int) throws(HTTPError) {
        switch state {
        case .size, .sizeExtension, .sizeLF: try stepSize(byte, maxBody: maxBody)
        case .trailerStart, .trailer, .trailerLF, .finalLF: try stepTrailer(byte)
        case .dataCR:
            try expect(Ascii.cr, byte)
            state = .dataLF
        case .dataLF:
            try expect(Ascii.lf, byte)
            line = 0
            state = .size(value: 0, digits: 0)
        case .data, .done: preconditionFailure("handled by receive")
        }
    }

    private mutating func stepSize(_ byte: UInt8, maxBody: Int) throws(HTTPError) {
        line += 1
        guard line <= HTTPLimits.maxChunkLine else { throw Self.malformed("a chunk size line is too long") }
        switch state {
        case .size(let value, let digits):
            if let digit = hexValue(byte) {
                let larger = value << 4 | Int(digit)
                guard larger <= maxBody - body.count else { throw .bodyTooLarge(maxBody) }
                state = .size(value: larger, digits: digits + 1)
                return
            }
            guard digits > 0 else { throw Self.malformed("a chunk has no size") }
            size = value
            if byte == Ascii.cr {
                state = .sizeLF(value)
            } else if byte == UInt8(ascii: ";") {
                state = .sizeExtension
            } else {
                throw Self.malformed("a chunk size is not a hexadecimal number")
            }
        case .sizeExtension:
            if byte == Ascii.cr {
                state = .sizeLF(size)
            } else if !Ascii.isFieldValue(byte) {
                throw Self.malformed("a chunk extension has a control character")
            }
        case .sizeLF(let value):
            try expect(Ascii.lf, byte)
            line = 0
            state = value == 0 ? .trailerStart : .data(value)
        default: preconditionFailure("handled by step")
        }
    }

    private mutating func stepTrailer(_ byte: UInt8) throws(HTTPError) {
        trailers += 1
        guard trailers <= HTTPLimits.maxTrailerBytes else { throw .headerTooLarge(HTTPLimits.maxTrailerBytes) }
        switch state {
        case .trailerStart:
            if byte == Ascii.cr {
                state = .finalLF
            } else if Ascii.isToken(byte) {
                state = .trailer
            } else {
                throw Self.malformed("a trailer does not start with a name")
            }
        case .trailer:
            if byte == Ascii.cr {
                state = .trailerLF
            } else if !Ascii.isFieldValue(byte) {
                throw Self.malformed("a trailer has a control character")
            }
        case .trailerLF:
            try expect(Ascii.lf, byte)
            state = .trailerStart
        case .finalLF:
            try expect(Ascii.lf, byte)
            state = .done
        default: preconditionFailure("handled by step")
        }
    }

    private func expect(_ wanted: UInt8, _ byte: UInt8) throws(HTTPError) {
        guard byte == wanted else { throw Self.malformed("a chunk does not end in CRLF") }
    }

    private static func malformed(_ what: String) -> HTTPError { .bad("http_bad_chunk", what) }
}
