/// A numeric address as the system understands it, and its words.
import CSRT
import EventLoop
import Glibc

struct SocketAddress: Sendable {
    private let storage: sockaddr_storage
    private let length: socklen_t

    init(_ storage: sockaddr_storage, length: socklen_t) {
        self.storage = storage
        self.length = length
    }

    /// `address` is one of IPv4 or IPv6, as libsrt's callbacks give it.
    init(_ address: UnsafePointer<sockaddr>) {
        let isV6 = address.pointee.sa_family == sa_family_t(AF_INET6)
        self.init(address, length: socklen_t(isV6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size))
    }

    init(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
        var storage = sockaddr_storage()
        let count = min(Int(length), MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: .init(start: address, count: count)) }
        self.init(storage, length: socklen_t(count))
    }

    /// The addresses of a name, or of a number in words; the code of `getaddrinfo` if there are none. Asking for a name
    /// takes as long as the system's resolver takes.
    static func find(
        _ host: String, port: UInt16, flags: Int32, atMost limit: Int = 8
    ) -> (addresses: [SocketAddress], code: Int32) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = flags | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &found)
        guard code == 0 else { return ([], code) }
        defer { freeaddrinfo(found) }
        var addresses: [SocketAddress] = []
        var next = UnsafePointer(found)
        while let info = next, addresses.count < limit {
            if let address = info.pointee.ai_addr {
                addresses.append(SocketAddress(address, length: info.pointee.ai_addrlen))
            }
            next = UnsafePointer(info.pointee.ai_next)
        }
        return (addresses, 0)
    }

    var isV6: Bool { storage.ss_family == sa_family_t(AF_INET6) }

    func withAddress<Result>(_ use: (UnsafePointer<sockaddr>, Int32) -> Result) -> Result {
        withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { use($0, Int32(length)) }
        }
    }

    /// Numeric; an IPv4 address in IPv6's disguise is written as what it is.
    var described: Address {
        withUnsafeBytes(of: storage) { bytes in
            guard isV6 else {
                let raw = bytes.loadUnaligned(as: sockaddr_in.self)
                return Address(host: Self.words(AF_INET, raw.sin_addr), port: UInt16(bigEndian: raw.sin_port))
            }
            let raw = bytes.loadUnaligned(as: sockaddr_in6.self)
            let port = UInt16(bigEndian: raw.sin6_port)
            let isMapped = withUnsafeBytes(of: raw.sin6_addr) { bytes in
                bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            }
            guard isMapped else { return Address(host: Self.words(AF_INET6, raw.sin6_addr), port: port) }
            let short = withUnsafeBytes(of: raw.sin6_addr) { $0.loadUnaligned(fromByteOffset: 12, as: in_addr.self) }
            return Address(host: Self.words(AF_INET, short), port: port)
        }
    }

    private static func words<Raw>(_ family: Int32, _ address: Raw) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            withUnsafePointer(to: address) {
                _ = inet_ntop(family, $0, text.baseAddress!, socklen_t(text.count))
            }
            return String(cString: text.baseAddress!)
        }
    }
}
