/// The far side of OpenSSL's reading and writing: memory of whoever calls, and a small store for what nobody asked for.
///
/// Safety: the wire lives at one address from before its BIO is made until after it is freed, and is touched by one
/// thread. `input` and `output` point into memory that the caller keeps for the length of its call.
import COpenSSL

struct TLSWire {
    /// What the peer sent and was not read yet.
    var input = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Where sealed bytes go while somebody seals; without room there they would be kept.
    var output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    var written = 0
    /// The handshake's bytes, alerts and tickets, until they are taken.
    var kept: [UInt8] = []

    /// One method table for all sessions. `nonisolated(unsafe)` is sound: it is made once and then only read.
    private nonisolated(unsafe) static let method: OpaquePointer = {
        let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice")!
        BIO_meth_set_write(method) { bio, bytes, count in
            guard let bytes, count > 0 else { return 0 }
            return TLSWire.of(bio).pointee.write(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
        }
        BIO_meth_set_read(method) { bio, bytes, count in
            guard let bytes, count > 0 else { return 0 }
            cssl_clear_retry(bio)
            let got = TLSWire.of(bio).pointee.read(UnsafeMutableRawBufferPointer(start: bytes, count: Int(count)))
            if got < 0 { cssl_set_retry_read(bio) }
            return got
        }
        // Flushing succeeds, and nothing else is known.
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }()

    static func makeBIO(_ wire: UnsafeMutablePointer<TLSWire>) -> OpaquePointer {
        let bio = BIO_new(method)!
        BIO_set_data(bio, wire)
        BIO_set_init(bio, 1)
        return bio
    }

    private static func of(_ bio: OpaquePointer?) -> UnsafeMutablePointer<TLSWire> {
        BIO_get_data(bio).assumingMemoryBound(to: TLSWire.self)
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        if output.count - written >= bytes.count {
            UnsafeMutableRawBufferPointer(rebasing: output[written...]).copyMemory(from: bytes)
            written += bytes.count
        } else {
            kept.append(contentsOf: bytes)
        }
        return Int32(bytes.count)
    }

    private mutating func read(_ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        guard !input.isEmpty else { return -1 }
        let count = min(buffer.count, input.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        return Int32(count)
    }
}
