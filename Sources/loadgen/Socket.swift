//! Where to connect or listen, and bytes that wait for a full socket.

import CSystem
@preconcurrency import Glibc

/// A resolved host and port.
struct Address {
    var raw = loadgen_address()

    init(host: String, port: UInt16) throws(Failure) {
        let code = loadgen_resolve(host, port, &raw)
        if code < 0 { throw Failure("cannot resolve \(host):\(port); is the host name right?") }
    }

    /// Starts a connection; the descriptor becomes writable when it stands.
    func connect() throws(Failure) -> Int32 {
        let fd = withUnsafePointer(to: raw) { loadgen_connect($0) }
        if fd < 0 { throw Failure.system("cannot connect", fd) }
        return fd
    }

    func listen() throws(Failure) -> Int32 {
        let fd = withUnsafePointer(to: raw) { loadgen_listen($0) }
        if fd < 0 { throw Failure.system("cannot listen", fd) }
        return fd
    }
}

/// Bytes on their way to a socket that may be full.
struct Outbox {
    private(set) var bytes: [UInt8] = []
    private var sent = 0

    var count: Int { bytes.count - sent }

    /// Lets `write` append to the waiting bytes.
    mutating func fill<E: Error>(_ write: (inout [UInt8]) throws(E) -> Void) throws(E) { try write(&bytes) }

    /// Sends what the socket takes; 0, or the negative errno of a broken connection.
    mutating func flush(to fd: Int32) -> Int32 {
        while sent < bytes.count {
            let result = bytes.withUnsafeBytes { loadgen_send(fd, $0.baseAddress! + sent, $0.count - sent) }
            if result == -Int(EAGAIN) { return 0 }
            if result < 0 { return Int32(result) }
            sent += result
        }
        bytes.removeAll(keepingCapacity: true)
        sent = 0
        return 0
    }
}
