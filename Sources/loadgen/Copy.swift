//! The bare relay that others are measured against: what comes from one socket goes out to the other, as it came. One
//! epoll_wait, one recv and one send each time; what is left is the kernel's cost.

import CSystem
@preconcurrency import Glibc

final class Copy {
    private static let bufferSize = 64 << 10
    private static let batch = 64

    private let options: Options
    private let poller: Int32
    private let listener: Int32
    private let target: Address
    /// By descriptor: where to what comes from it goes.
    private var peers: [Int32: Int32] = [:]
    private let buffer = UnsafeMutableRawPointer.allocate(byteCount: Copy.bufferSize, alignment: 4096)

    init(_ options: Options) throws(Failure) {
        guard let url = options.urls.first, options.urls.count == 1 else {
            throw Failure("copy needs one --url HOST:PORT to connect to")
        }
        self.options = options
        poller = loadgen_poll_create()
        if poller < 0 { throw Failure.system("cannot create an epoll descriptor", poller) }
        let (host, port) = try Target.hostAndPort(options.listen[...], standard: 0)
        listener = try Address(host: host, port: port).listen()
        let (server, serverPort) = try Target.hostAndPort(url[...], standard: 0)
        target = try Address(host: server, port: serverPort)
        _ = loadgen_poll_add(poller, listener, LOADGEN_READABLE, UInt64(listener))
    }

    func serve() throws(Failure) {
        try Floor.tell(port: Int(loadgen_local_port(listener)), options)
        let events = UnsafeMutablePointer<loadgen_event>.allocate(capacity: Copy.batch)
        defer { events.deallocate() }
        while loadgen_interrupted() == 0 {
            let count = loadgen_poll_wait(poller, events, Int32(Copy.batch), nanosecondsPerSecond)
            var index = 0
            while index < Int(count) {
                let fd = Int32(truncatingIfNeeded: events[index].token)
                if fd == listener { try accept() } else { pass(on: fd) }
                index += 1
            }
        }
    }

    private func accept() throws(Failure) {
        while true {
            let fd = loadgen_accept(listener)
            if fd < 0 { return }
            let other = try target.connect()
            peers[fd] = other
            peers[other] = fd
            for end in [fd, other] { _ = loadgen_poll_add(poller, end, LOADGEN_READABLE, UInt64(end)) }
        }
    }

    private func pass(on fd: Int32) {
        guard let peer = peers[fd] else { return }
        let count = loadgen_receive(fd, buffer, Copy.bufferSize)
        if count == -Int(EAGAIN) { return }
        if count <= 0 || !send(count, to: peer) { end(fd, peer) }
    }

    /// All of it: who takes it is waited for. False when it has gone.
    private func send(_ count: Int, to peer: Int32) -> Bool {
        var sent = 0
        while sent < count {
            let result = loadgen_send(peer, buffer + sent, count - sent)
            if result == -Int(EAGAIN) {
                var writable = pollfd(fd: peer, events: Int16(POLLOUT), revents: 0)
                poll(&writable, 1, -1)
            } else if result < 0 {
                return false
            } else {
                sent += result
            }
        }
        return true
    }

    private func end(_ fd: Int32, _ peer: Int32) {
        for end in [fd, peer] {
            peers[end] = nil
            close(end)
        }
    }
}
