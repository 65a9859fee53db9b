//! One end of an RTMP connection as far as every role shares it: handshake, control messages, acknowledgements.
//! Bytes in, bytes and messages out; the owner has the socket.

struct RTMPLink: ~Copyable {
    enum Role {
        case client
        case server
    }

    private enum Handshake {
        case first([UInt8])
        case second(left: Int)
        case done
    }

    private let role: Role
    /// What follows the handshake at once.
    private var greeting: [UInt8]
    private var handshake = Handshake.first([])
    private var scanner = ChunkScanner()
    private var received: UInt64 = 0
    private var acknowledged: UInt64 = 0
    /// The peer wants to hear from us each time so many bytes have come; 0 until it says so.
    private var window: UInt64 = 0

    init(role: Role, greeting: [UInt8] = []) {
        self.role = role
        self.greeting = greeting
    }

    /// The bytes to send as soon as the connection stands.
    func start(_ out: inout [UInt8]) {
        if role == .client { ChunkWriter.appendFirstFlight(to: &out) }
    }

    /// Takes bytes off the front of `input` until there is a message for the owner; nil when all are used up.
    /// What the peer is owed is appended to `out`.
    mutating func next(_ input: inout UnsafeRawBufferPointer, _ out: inout [UInt8]) throws(Failure) -> Message? {
        let before = input.count
        defer { count(before - input.count, &out) }
        while input.count > 0 {
            switch handshake {
            case .first(var bytes):
                let step = min(ChunkWriter.firstFlight - bytes.count, input.count)
                bytes += input[..<step]
                input = UnsafeRawBufferPointer(rebasing: input[step...])
                handshake = .first(bytes)
                if bytes.count == ChunkWriter.firstFlight { try answer(bytes, &out) }
            case .second(let left):
                let step = min(left, input.count)
                input = UnsafeRawBufferPointer(rebasing: input[step...])
                handshake = step == left ? .done : .second(left: left - step)
            case .done:
                guard let message = try scanner.next(&input) else { return nil }
                if try !handle(message, &out) { return message }
            }
        }
        return nil
    }

    private mutating func answer(_ peer: [UInt8], _ out: inout [UInt8]) throws(Failure) {
        guard peer[0] == 3 else { throw Failure("the peer does not speak RTMP") }
        if role == .server { ChunkWriter.appendFirstFlight(to: &out) }
        out += peer[1...]
        out += greeting
        greeting = []
        handshake = .second(left: ChunkWriter.secondFlight)
    }

    /// Acts on a protocol control message; false when the message is the owner's affair.
    private mutating func handle(_ message: Message, _ out: inout [UInt8]) throws(Failure) -> Bool {
        let prefix = message.prefix
        switch message.type {
        case 1 where prefix.count >= 4:
            let size = Int(prefix.bigEndian32(0) & 0x7fff_ffff)
            guard size > 0 else { throw Failure("a chunk size of 0") }
            scanner.chunkSize = size
        case 2 where prefix.count >= 4: scanner.abort(chunkStream: prefix.bigEndian32(0))
        case 3: break
        case 4 where prefix.count >= 6 && prefix[1] == 6:
            ChunkWriter.append(event: 7, Array(prefix[2..<6]), to: &out)
        case 4: break
        case 5 where prefix.count >= 4: window = UInt64(prefix.bigEndian32(0))
        case 6 where prefix.count >= 4: ChunkWriter.append(control: 5, prefix.bigEndian32(0), to: &out)
        default: return false
        }
        return true
    }

    /// Acknowledges when half the peer's window has come in, as players do, so that it never waits.
    private mutating func count(_ bytes: Int, _ out: inout [UInt8]) {
        received += UInt64(bytes)
        guard window > 0, received - acknowledged >= max(1, window / 2), case .done = handshake else { return }
        acknowledged = received
        ChunkWriter.append(control: 3, UInt32(truncatingIfNeeded: received), to: &out)
    }
}
