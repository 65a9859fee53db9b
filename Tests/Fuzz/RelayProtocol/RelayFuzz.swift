import RelayProtocol

/// Fuzz entries of the RelayProtocol module. Any input may end in a `RelayError`; none may trap or grow without bound.
///
/// The first byte of an input steers it: its meaning is told at each entry, and the size of the pieces in which the rest
/// arrives is in its upper bits.

private func pieces(_ data: Span<UInt8>, _ receive: (Span<UInt8>) -> Bool) {
    let piece = Int(data[0] >> 3) * 8 + 1
    var at = 1
    while at < data.count {
        let end = min(data.count, at + piece)
        guard receive(data.extracting(at..<end)) else { return }
        at = end
    }
}

/// The parser of an open connection, bit 0 passes frames over, bit 1 takes them from where they lie. What is read must survive being written and read again.
public func fuzzRelayParser(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    let (skips, takes) = (data[0] & 1 != 0, data[0] & 2 != 0)
    var limits = RelayLimits()
    limits.frameBody = 4096
    var parser = RelayParser(limits: limits, open: true)
    pieces(data) { piece in
        var at = 0
        do throws(RelayError) {
            while true {
                if takes, let (header, body) = parser.takeFrame(piece, &at) {
                    precondition(header.number.isValid && body.count == header.bodyCount && body.upperBound == at)
                    precondition(header.bodyCount <= limits.frameBody)
                    continue
                }
                guard let event = try parser.next(piece, &at) else { break }
                switch event {
                case .frameBegins(let header):
                    precondition(header.bodyCount <= limits.frameBody && header.number.isValid)
                    if skips { parser.skipBody() }
                case .message(let message): precondition(reread(message) == message)
                }
            }
        } catch {
            precondition(!error.reason.isEmpty && !error.description.isEmpty)
            return false
        }
        precondition(at == piece.count)
        return true
    }
}

private func reread(_ message: RelayMessage) -> RelayMessage? {
    var parser = RelayParser(open: true)
    let bytes = message.bytes
    var at = 0
    while let event = try? parser.next(bytes.span, &at) {
        if case .message(let message) = event { return message }
    }
    return nil
}

/// A connection: bit 0 gives it a secret, bit 1 makes it the initiator, bit 2 puts an honest hello before the input, so
/// that without a secret the messages after the handshake are reached.
public func fuzzRelayConnection(_ data: Span<UInt8>) {
    guard data.count > 0, let ours = NodeID("fuzzed"), let theirs = NodeID("peer") else { return }
    let configuration = RelayConnection.Configuration(
        node: ours, idc: "idc", secret: data[0] & 1 != 0 ? [1, 2, 3] : nil)
    var connection = RelayConnection(
        role: data[0] & 2 != 0 ? .initiator : .responder, configuration: configuration,
        nonce: [UInt8](repeating: 1, count: Hello.nonceSize))
    _ = connection.start()
    func feed(_ bytes: Span<UInt8>) -> Bool {
        var at = 0
        while let action = connection.next(bytes, &at) {
            if case .close(let error, _) = action {
                precondition(!error.description.isEmpty && connection.peer == nil)
                return false
            }
            precondition(connection.peer == nil || configuration.secret == nil)
        }
        return true
    }
    if data[0] & 4 != 0 {
        let hello = Hello(node: theirs, idc: "idc", nonce: [UInt8](repeating: 2, count: Hello.nonceSize))
        _ = feed(RelayMessage.hello(hello).bytes.span)
    }
    pieces(data, feed)
}

/// Frames of up to four parents by the input's bytes, three for each frame; time passes. What comes out must ascend.
public func fuzzFrameMerge(_ data: Span<UInt8>) {
    var merge = FrameMerge(patience: 8)
    var last: FrameNumber?
    var out: UInt64 = 0
    func take(_ frame: RelayFrame, _ verdict: FrameGate.Verdict) {
        guard case .accept = verdict else { return }
        precondition(last.map { $0 < frame.header.number } ?? true)
        last = frame.header.number
        out += 1
    }
    var at = 0
    var now: UInt64 = 0
    while at + 2 < data.count {
        let (what, where_, which) = (data[at], data[at + 1], data[at + 2])
        at += 3
        let source = Int(what & 3)
        let number = FrameNumber(epoch: 1 + UInt64(where_ >> 6), sequence: 1 + UInt64(which))
        now += UInt64(where_ & 1)
        switch what >> 5 {
        case 0: merge.attach(source, at: number)
        case 1: merge.detach(source)
        default:
            let header = RelayFrame.Header(
                stream: 1, number: number, kind: what & 4 != 0 ? .video : .audio,
                flags: RelayFrame.Flags(rawValue: where_ >> 1 & 7), timestamp: 0, wallClock: 0)
            let frame = RelayFrame(header: header, body: [])
            if merge.refuse(header, from: source) == nil { take(frame, merge.offer(frame, from: source, now: now)) }
        }
        while let (frame, verdict) = merge.next(now: now) { take(frame, verdict) }
        precondition(merge.heldCount <= RelayLimits.heldFrames)
    }
    precondition(out == merge.gate.counters.accepted)
}
