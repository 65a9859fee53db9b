import Fixtures
import Glibc
import Testing

@testable import TLS

/// A client and a server that talk through memory.
final class Pair {
    let client: TLSSession
    let server: TLSSession
    private(set) var heard: [UInt8] = []
    private(set) var answered: [UInt8] = []
    private let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: TLSSession.recordSize)

    init(_ client: TLSContext, _ server: TLSContext, host: String? = "one.example") {
        self.client = TLSSession(client, host: host)
        self.server = TLSSession(server)
    }

    deinit { buffer.deallocate() }

    /// From one side to the other, as it is.
    func carry(_ bytes: [UInt8], toServer: Bool) throws {
        try bytes.withUnsafeBytes { bytes in
            try (toServer ? server : client).receive(bytes, through: buffer) {
                if toServer { heard += Array($0) } else { answered += Array($0) }
                return true
            }
        }
    }

    /// Carries what either side has to say, in pieces, until neither has more.
    func talk(pieces: Int = .max) throws {
        try client.start()
        while client.hasOutput || server.hasOutput {
            for piece in cut(client.takeOutput(), pieces) { try carry(piece, toServer: true) }
            for piece in cut(server.takeOutput(), pieces) { try carry(piece, toServer: false) }
        }
    }

    private func cut(_ bytes: [UInt8], _ size: Int) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: size == .max ? max(1, bytes.count) : size).map {
            Array(bytes[$0..<min(bytes.count, $0 + min(size, bytes.count))])
        }
    }

    /// Seals `bytes` at the server, in two vectors, into a buffer of `room`; the client opens it.
    func send(_ bytes: [UInt8], room: Int, skipping skipped: Int = 0) throws -> Int {
        var out = [UInt8](repeating: 0, count: room)
        let half = bytes.count / 2
        let (taken, sealed) = bytes.withUnsafeBytes { bytes in
            let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
            let vectors = [
                iovec(iov_base: base, iov_len: half), iovec(iov_base: base + half, iov_len: bytes.count - half),
            ]
            return out.withUnsafeMutableBytes { server.seal(vectors, 2, skipping: skipped, into: $0) }
        }
        #expect(sealed <= room)
        try carry(Array(out[..<sealed]), toServer: false)
        return taken
    }
}

func files(_ name: String) -> TLSContext.Files {
    TLSContext.Files(certificate: Certificates.file("\(name).pem"), key: Certificates.file("\(name).key"))
}

func server(
    _ names: [String] = ["one"], authorities: String? = nil, protocols: [String] = ["h2", "http/1.1"],
    previous: TLSContext? = nil
) throws -> TLSContext {
    try TLSContext(
        role: .server, identities: names.map(files), authorities: authorities.map { Certificates.file("\($0).pem") },
        protocols: protocols, previous: previous)
}

func client(_ names: [String] = [], authorities: String? = "ca", protocols: [String] = []) throws -> TLSContext {
    try TLSContext(
        role: .client, identities: names.map(files), authorities: authorities.map { Certificates.file("\($0).pem") },
        protocols: protocols)
}
