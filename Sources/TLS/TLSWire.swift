/// The far side of OpenSSL's reading and writing: memory of whoever calls, and a small store for what nobody asked for.
///
/// It says to OpenSSL that it seals records itself, as a socket does whose kernel can: OpenSSL hands over the keys, and
/// from then on writes its own words in plain, with their type, to be sealed here in their place.
///
/// Safety: the wire lives at one address from before its BIO is made until after it is freed, and is touched by one
/// thread. `input` and `output` point into memory that the caller keeps for the length of its call.
import COpenSSL
import Glibc

struct TLSWire {
    /// What the peer sent and was not read yet.
    var input = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Where sealed bytes go while somebody seals; without room there they would be kept.
    var output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    var written = 0
    /// The handshake's bytes, alerts and tickets, until they are taken.
    var kept: [UInt8] = []
    /// While there is one, OpenSSL seals nothing.
    private(set) var sealer: RecordSealer?
    /// Whether keys that come may be used in wide instructions.
    var isWide = RecordCipher.isWide
    /// Of the next record that OpenSSL writes.
    private var recordType = RecordSealer.RecordType.applicationData

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
        BIO_meth_set_ctrl(method) { bio, command, number, argument in
            TLSWire.of(bio).pointee.answer(command, number, argument)
        }
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

    private mutating func answer(_ command: Int32, _ number: Int, _ argument: UnsafeMutableRawPointer?) -> Int {
        switch Int(command) {
        case Int(BIO_CTRL_FLUSH): return 1
        case CSSL_TAKE_KEYS:
            // The number is 0 where the keys are for opening, which OpenSSL goes on to do.
            guard number != 0, let argument else { return 0 }
            sealer = RecordSealer(offer: argument, isWide: isWide)
            return sealer == nil ? 0 : 1
        case CSSL_IS_SEALING: return sealer == nil ? 0 : 1
        case CSSL_NEXT_RECORD_TYPE:
            recordType = UInt8(truncatingIfNeeded: number)
            return 1
        default: return 0
        }
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        if let sealer { return seal(bytes, sealer) }
        return put(bytes)
    }

    /// OpenSSL's own words.
    private mutating func seal(_ bytes: UnsafeRawBufferPointer, _ sealer: RecordSealer) -> Int32 {
        let type = recordType
        recordType = RecordSealer.RecordType.applicationData
        var vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        var reader = VectorReader(&vector, 1, skipping: 0)
        let sealed = withUnsafeTemporaryAllocation(
            byteCount: bytes.count + TLSSession.recordOverhead, alignment: 16
        ) { record in
            let size = sealer.seal(type, &reader, bytes.count, into: record.baseAddress!)
            if size > 0 { _ = put(UnsafeRawBufferPointer(rebasing: record[..<size])) }
            return size
        }
        guard sealed > 0 else { return -1 }
        // From here on OpenSSL has a new key, which it keeps: it seals again.
        if sealer.endsKey(type, bytes) { self.sealer = nil }
        return Int32(bytes.count)
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) -> Int32 {
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
