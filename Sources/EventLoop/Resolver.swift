/// Looks a host name up without holding up the loop: libuv asks the system's resolver on a thread of its own.
///
/// The answer comes on the loop, once, unless the resolver is let go of before.
import CSystem
import CUV
import Glibc

/// Where to connect to, as the system understands it.
struct SocketAddress {
    private var storage = sockaddr_storage()
    private let length: socklen_t

    init?(_ info: UnsafePointer<addrinfo>) {
        length = info.pointee.ai_addrlen
        guard let address = info.pointee.ai_addr, Int(length) <= MemoryLayout<sockaddr_storage>.size else { return nil }
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: .init(start: address, count: Int(length))) }
    }

    func withAddress<Result>(_ use: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { use($0, length) }
        }
    }

    var described: Address {
        var text = cs_address()
        withAddress { address, _ in cs_describe(address, &text) }
        return Address(text)
    }
}

final class Resolver {
    /// Outlives the resolver when that is let go of while the system still looks.
    private final class Request {
        var answer: ((Result<[SocketAddress], DialError>) -> Void)?
        let host: String
        init(_ host: String) { self.host = host }
    }

    private let request: Request

    /// A service has a handful of addresses; whoever returns more is not asked further than this.
    private static let maxAddresses = 8

    init(_ host: String, port: UInt16, on loop: Loop, _ answer: @escaping (Result<[SocketAddress], DialError>) -> Void)
    {
        request = Request(host)
        request.answer = answer
        let raw = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
        raw.pointee.data = Unmanaged.passRetained(request).toOpaque()
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        let code = uv_getaddrinfo(
            loop.uv, raw, { raw, status, found in Resolver.found(raw!, status, found) }, host, "\(port)", &hints)
        guard code != 0 else { return }
        // Refused on the spot, such as a name that is too long: told in the loop's next turn all the same.
        raw.deallocate()
        Unmanaged.passUnretained(request).release()
        let request = LoopBound(request, on: loop)
        loop.mailbox.post { loop in
            let request = request.value(on: loop)
            request.answer?(.failure(.unknownHost(request.host, reason: String(cString: uv_strerror(code)))))
        }
    }

    deinit { request.answer = nil }

    private static func found(
        _ raw: UnsafeMutablePointer<uv_getaddrinfo_t>, _ status: Int32, _ found: UnsafeMutablePointer<addrinfo>?
    ) {
        let request = Unmanaged<Request>.fromOpaque(raw.pointee.data).takeRetainedValue()
        raw.deallocate()
        defer { uv_freeaddrinfo(found) }
        guard let answer = request.answer else { return }
        guard status == 0 else {
            return answer(.failure(.unknownHost(request.host, reason: String(cString: uv_strerror(status)))))
        }
        var addresses: [SocketAddress] = []
        var next = UnsafePointer(found)
        while let info = next, addresses.count < maxAddresses {
            if let address = SocketAddress(info) { addresses.append(address) }
            next = UnsafePointer(info.pointee.ai_next)
        }
        answer(.success(addresses))
    }
}
