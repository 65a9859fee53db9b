/// Asks another machine whether a UDP port of it is still open, which nothing else tells: where a process dies, TCP's
/// peers are sent a reset, and UDP's hear nothing more. The machine answers a datagram to a closed port with an ICMP
/// message, which the system hands to a connected socket as an error of its next call.
///
/// What it finds closed is closed. What it does not may be closed all the same: the answer takes a round trip, and
/// machines that are gone, and firewalls, give none.
import CUV
import Glibc

public final class PortProbe {
    private let handle: UnsafeMutablePointer<uv_udp_t>

    /// Shorter than the header of any protocol: whoever listens there drops it.
    private static let question: UInt8 = 0

    /// Nil for what is no numeric address, and where there are no descriptors.
    public init?(_ address: Address, on loop: Loop) {
        let made = UnsafeMutablePointer<uv_udp_t>.allocate(capacity: 1)
        guard uv_udp_init(loop.uv, made) == 0 else {
            made.deallocate()
            return nil
        }
        // From here on `deinit` closes it.
        handle = made
        guard PortProbe.connect(made, address) == 0 else { return nil }
    }

    private static func connect(_ handle: UnsafeMutablePointer<uv_udp_t>, _ address: Address) -> Int32 {
        var (v4, v6) = (sockaddr_in(), sockaddr_in6())
        if uv_ip4_addr(address.host, Int32(address.port), &v4) == 0 {
            return withUnsafePointer(to: v4) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { uv_udp_connect(handle, $0) }
            }
        }
        let code = uv_ip6_addr(address.host, Int32(address.port), &v6)
        guard code == 0 else { return code }
        return withUnsafePointer(to: v6) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { uv_udp_connect(handle, $0) }
        }
    }

    deinit {
        handle.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            uv_close(handle) { UnsafeMutableRawPointer($0!).deallocate() }
        }
    }

    /// Asks, and says what is known from the times before: true once the port was found closed.
    public func findsClosed() -> Bool {
        var question = PortProbe.question
        return withUnsafeMutablePointer(to: &question) { question in
            question.withMemoryRebound(to: CChar.self, capacity: 1) { question in
                var buffer = uv_buf_init(question, 1)
                return uv_udp_try_send(handle, &buffer, 1, nil) == UV_ECONNREFUSED.rawValue
            }
        }
    }
}
