/// Version 2: a signature of twelve bytes, version and command, family and transport, a length, and the addresses; what a
/// proxy adds behind them (TLVs) is passed over.
import Media

enum BinaryHeader {
    static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let fixedSize = 16

    static func parse(_ bytes: Span<UInt8>) throws(ProxyError) -> ProxyHeader? {
        guard ProxyHeader.begins(bytes, signature) else { throw .notAHeader }
        guard bytes.count >= fixedSize else { return nil }
        let version = bytes[12] >> 4
        guard version == 2 else { throw .unknownVersion(version) }
        let command = bytes[12] & 15
        guard command < 2 else { throw .unknownCommand(command) }
        let size = fixedSize + Int(bytes.u16(at: 14))
        guard size <= ProxyHeader.limit else { throw .tooLong(announced: size) }
        guard bytes.count >= size else { return nil }
        // LOCAL: the proxy itself, whatever addresses follow.
        guard command == 1 else { return ProxyHeader(source: nil, size: size) }
        return ProxyHeader(source: try source(bytes, family: bytes[13] >> 4, end: size), size: size)
    }

    private static func source(
        _ bytes: Span<UInt8>, family: UInt8, end: Int
    ) throws(ProxyError) -> ProxyHeader.Source? {
        let at = fixedSize
        switch family {
        case 1:
            guard end >= at + 12 else { throw .truncatedAddresses }
            let host = (0..<4).map { "\(bytes[at + $0])" }.joined(separator: ".")
            return ProxyHeader.Source(host: host, port: bytes.u16(at: at + 8))
        case 2:
            guard end >= at + 36 else { throw .truncatedAddresses }
            return ProxyHeader.Source(host: longAddress(bytes, at), port: bytes.u16(at: at + 32))
        default:
            // Unspecified, or a local socket's: no address that would mean anything elsewhere.
            return nil
        }
    }

    /// In the form of RFC 5952: the longest run of zeros is left out, and an IPv4 address in disguise is written as one.
    private static func longAddress(_ bytes: Span<UInt8>, _ at: Int) -> String {
        let groups = (0..<8).map { bytes.u16(at: at + 2 * $0) }
        if groups[0..<5].allSatisfy({ $0 == 0 }), groups[5] == 0xFFFF {
            return (12..<16).map { "\(bytes[at + $0])" }.joined(separator: ".")
        }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: Range<Int>) -> String {
            part.map { String(groups[$0], radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? text(0..<8) : text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }
}
