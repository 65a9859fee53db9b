/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
import Glibc

public struct Network: Sendable, Hashable, CustomStringConvertible {
    /// In network order: 4 or 16.
    private let bytes: [UInt8]
    private let bits: Int
    public let description: String

    init(_ text: String) throws(ValueFault) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = Network.parse(parts[0]) else {
            throw ValueFault(
                "\(quoted(text)) is not an address", "write one such as 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32")
        }
        let whole = bytes.count * 8
        guard let bits = parts.count > 1 ? ValueType<Int>.digits(parts[1]) : whole, bits <= whole else {
            throw ValueFault(
                "\(quoted(text)) has no number of bits up to \(whole) behind its /",
                "write for example \(parts[0])/\(whole)")
        }
        self.bytes = bytes
        self.bits = bits
        description = text
    }

    /// Whether the address, in its numeric form, is in the range.
    public func contains(_ host: String) -> Bool {
        guard let other = Network.parse(host[...]), other.count == bytes.count else { return false }
        for index in 0..<bits / 8 where other[index] != bytes[index] { return false }
        let rest = bits % 8
        return rest == 0 || (other[bits / 8] ^ bytes[bits / 8]) >> UInt8(8 - rest) == 0
    }

    private static func parse(_ text: Substring) -> [UInt8]? {
        // `inet_pton` reads up to the first NUL; what stands behind one would go unseen.
        guard !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, String(text), &bytes) == 1 { return Array(bytes[..<4]) }
        return inet_pton(AF_INET6, String(text), &bytes) == 1 ? bytes : nil
    }
}
