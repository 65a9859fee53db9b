/// A response's header list in the form that the library takes.
///
/// Names are in lower case, values without control characters or blanks around them, whatever they hold; what only
/// HTTP/1 has is left out (RFC 9113 §8.2).
import CNGHTTP2
import HTTP

struct ResponseFields {
    private var bytes: [UInt8] = []
    /// The ends of name and value in `bytes`.
    private var ends: [(name: Int, value: Int)] = []

    private static let connectionSpecific: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
    ]

    init(status: Int) { add(":status", "\(status)") }

    /// - Parameter length: of the body, if it is known.
    init(_ response: HTTPResponse, length: Int?, date: String?) {
        self.init(status: response.status)
        if let date { add("date", date) }
        for header in response.headers {
            let name = header.name.lowercased()
            guard !ResponseFields.connectionSpecific.contains(name), name != "content-length" else { continue }
            add(name, header.value)
        }
        if let length, !response.isBodiless { add("content-length", "\(length)") }
    }

    private mutating func add(_ name: String, _ value: String) {
        bytes += name.utf8
        let nameEnd = bytes.count
        var value = Substring(value)
        while let first = value.utf8.first, ResponseFields.isBlank(first) { value.removeFirst() }
        while let last = value.utf8.last, ResponseFields.isBlank(last) { value.removeLast() }
        for byte in value.utf8 { bytes.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: " ") : byte) }
        ends.append((nameEnd, bytes.count))
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 || byte == 0x7F }

    /// The vectors are valid during the call; the library copies what it keeps.
    mutating func withVectors(_ body: (UnsafePointer<nghttp2_nv>, Int) -> Int32) -> Int32 {
        let ends = ends
        return bytes.withUnsafeMutableBufferPointer { bytes in
            var start = bytes.baseAddress!
            let first = start
            let vectors = ends.map { end in
                let value = first + end.name
                defer { start = first + end.value }
                return nghttp2_nv(
                    name: start, value: value, namelen: value - start, valuelen: end.value - end.name, flags: 0)
            }
            return body(vectors, vectors.count)
        }
    }
}

extension HTTPResponse {
    /// RFC 9110 §6.4.1: what never has content.
    var isBodiless: Bool { status < 200 || status == 204 || status == 304 }
}
