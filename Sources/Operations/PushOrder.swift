/// What the body of a request for a new push asks for: `{"url": "rtmp://…", "name": "…"}`.
public struct PushOrder: Sendable, Equatable {
    public var url: String
    public var name: String

    public init(url: String, name: String = "") {
        self.url = url
        self.name = name
    }

    /// What is wrong with a body, and what to send.
    public struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
        public let description: String

        init(_ fault: String) { description = "\(fault); send {\"url\": \"rtmp://HOST/APP/KEY\", \"name\": \"…\"}" }
    }

    public init(json: [UInt8]) throws(Fault) {
        self.init(url: "")
        for (key, value) in try JSONStrings.read(json) {
            switch key {
            case "url": url = value
            case "name": name = value
            default: throw Fault("the body has a member besides url and name")
            }
        }
        guard !url.isEmpty else { throw Fault("the body has no url") }
    }
}

/// Reads a JSON object whose members are all strings (RFC 8259): as much as requests to the API need.
struct JSONStrings {
    private let bytes: [UInt8]
    private var at = 0

    /// Members of one object.
    private static let maxMembers = 16

    static func read(_ json: [UInt8]) throws(PushOrder.Fault) -> [(key: String, value: String)] {
        var reader = JSONStrings(bytes: json)
        return try reader.object()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func object() throws(PushOrder.Fault) -> [(key: String, value: String)] {
        var members: [(key: String, value: String)] = []
        try expect("{", "the body is no JSON object")
        if !take("}") {
            repeat {
                let key = try string()
                try expect(":", "a name in the body has no value")
                let value = try string()
                guard !members.contains(where: { $0.key == key }), members.count < JSONStrings.maxMembers else {
                    throw PushOrder.Fault("the body says something twice, or too much")
                }
                members.append((key, value))
            } while take(",")
            try expect("}", "the object in the body does not end")
        }
        skipSpace()
        guard at == bytes.count else { throw PushOrder.Fault("something stands behind the object in the body") }
        return members
    }

    private mutating func skipSpace() {
        while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard at < bytes.count, bytes[at] == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar, _ fault: String) throws(PushOrder.Fault) {
        guard take(character) else { throw PushOrder.Fault(fault) }
    }

    private mutating func string() throws(PushOrder.Fault) -> String {
        try expect("\"", "the body holds something that is no string")
        var text: [UInt8] = []
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else {
                    throw PushOrder.Fault("the body is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw PushOrder.Fault("a string in the body holds a control character")
            default: text.append(byte)
            }
        }
        throw PushOrder.Fault("a string in the body does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(PushOrder.Fault) {
        let plain: [UInt8: UInt8] = [
            UInt8(ascii: "n"): 0x0A, UInt8(ascii: "t"): 0x09, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "b"): 0x08,
            UInt8(ascii: "f"): 0x0C, UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
            UInt8(ascii: "/"): UInt8(ascii: "/"),
        ]
        let fault = PushOrder.Fault("an escape in the body is not one of JSON's")
        guard at < bytes.count else { throw fault }
        let letter = bytes[at]
        at += 1
        if let byte = plain[letter] { return text.append(byte) }
        guard letter == UInt8(ascii: "u"), var code = unit() else { throw fault }
        if 0xD800..<0xDC00 ~= code {
            guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") else {
                throw fault
            }
            at += 2
            guard let low = unit(), 0xDC00..<0xE000 ~= low else { throw fault }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw fault }
        text += Array(String(scalar).utf8)
    }

    private mutating func unit() -> UInt32? {
        guard at + 4 <= bytes.count else { return nil }
        defer { at += 4 }
        let digits = bytes[at..<at + 4]
        // What `UInt32` would take besides digits is a sign.
        guard digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
