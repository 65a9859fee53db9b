/// A network between a caller and a listener, which can be cut.
import EventLoop
import Glibc

/// Carries datagrams between one caller and a port until it is cut. The last reference to it, after that, closes the port
/// that the listener talks to.
final class Wire: @unchecked Sendable {
    // Sound: constants, but for the flag behind its lock.
    let port: UInt16
    private let near: Int32
    private let far: Int32
    private let isCut = Lock(false)

    init?(to target: UInt16) {
        func bound() -> (Int32, UInt16) {
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            var address = Wire.loopback(0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(descriptor, $0, length)
                    _ = getsockname(descriptor, $0, &length)
                }
            }
            return (descriptor, UInt16(bigEndian: address.sin_port))
        }
        (near, port) = bound()
        (far, _) = bound()
        var address = Wire.loopback(target)
        let connected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return nil }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { wire in
                Unmanaged<Wire>.fromOpaque(wire!).takeRetainedValue().carry()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
    }

    func cut() { isCut.with { $0 = true } }

    deinit {
        close(near)
        close(far)
    }

    private func carry() {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        var isKnown = false
        while !isCut.with({ $0 }) {
            var ready = [near, far].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&ready, 2, 50) > 0 else { continue }
            if ready[0].revents != 0 {
                var peer = sockaddr_in()
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                let count = withUnsafeMutablePointer(to: &peer) { peer in
                    peer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer -> Int in
                        let count = recvfrom(near, &buffer, buffer.count, 0, peer, &length)
                        if !isKnown { isKnown = connect(near, peer, length) == 0 }
                        return count
                    }
                }
                if count > 0 { send(far, buffer, count, 0) }
            }
            if ready[1].revents != 0 {
                let count = recv(far, &buffer, buffer.count, 0)
                if count > 0 { send(near, buffer, count, 0) }
            }
        }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
