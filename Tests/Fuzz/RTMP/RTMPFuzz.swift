import RTMP

/// Fuzz entries of the RTMP module. Any input may end in a thrown `RTMPError`; none may trap or grow without bound.
///
/// The first byte of a session's input steers it: bit 0 skips the handshake, so that chunks are reached, bit 1 makes
/// the owner refuse what is asked, and the rest is the size of the pieces in which the input arrives.

private let blankHandshake: [UInt8] = [3] + [UInt8](repeating: 0, count: 2 * 1536)

private func feed(_ data: Span<UInt8>, _ receive: (Span<UInt8>) throws(RTMPError) -> Void) {
    let piece = Int(data[0] >> 2) * 16 + 1
    var at = 1
    while at < data.count {
        let end = min(data.count, at + piece)
        do { try receive(data.extracting(at..<end)) } catch {
            precondition(!error.reason.isEmpty && !error.description.isEmpty)
            return
        }
        at = end
    }
}

/// A server session whose owner answers everything at once.
public func fuzzRTMPServer(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    let refuses = data[0] & 2 != 0
    var session = ServerSession(random: 1)
    if data[0] & 1 != 0 { try? session.receive(blankHandshake.span) }
    feed(data) { (piece) throws(RTMPError) in
        try session.receive(piece)
        while let event = session.nextEvent() {
            switch event {
            case .publish: refuses ? session.rejectPublish(code: "x", description: "") : session.acceptPublish()
            case .play:
                refuses ? session.rejectPlay(code: "x", description: "") : session.acceptPlay()
                session.becomePlayer()
            default: break
            }
        }
        _ = session.takeOutput()
    }
}

/// A client session, bit 1 of the first byte chooses between its two modes.
public func fuzzRTMPClient(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    var session = ClientSession(
        app: "live", stream: "a", tcUrl: "rtmp://h/live", mode: data[0] & 2 != 0 ? .play : .publish)
    if data[0] & 1 != 0 { try? session.receive(blankHandshake.span) }
    feed(data) { (piece) throws(RTMPError) in
        try session.receive(piece)
        while session.nextEvent() != nil {}
        session.send(MediaMessage(kind: .audio, timestamp: 0, payload: [0xAF, 1]))
        _ = session.takeOutput()
    }
}

/// AMF values; what decodes must survive being written and read again.
public func fuzzAMF(_ data: Span<UInt8>) {
    var reader = AMFReader(data)
    guard let values = try? reader.readAll() else { return }
    var bytes: [UInt8] = []
    bytes.append(amf: values)
    // Long strings and keys grow when broken UTF-8 was repaired, so the limits may be met now.
    var again = AMFReader(bytes)
    guard let second = try? again.readAll() else { return }
    precondition(second.count == values.count)
}
