/// Control plane. Messages as bytes; a log encodes its frames with `RelayFrame.Header.write` instead.
///
/// Texts and lists of places are cut to their limits: they come from this node, and what is beyond them is not missed.
import Media

extension RelayMessage {
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    public func append(to bytes: inout [UInt8]) {
        if case .frame(let frame) = self { return frame.append(to: &bytes) }
        precondition(stream != 0 || !type.needsStream, "stream number 0 is none")
        let start = bytes.count
        bytes += MessageHeader(count: 0, type: type.rawValue, flags: 0, stream: stream).bytes
        appendBody(to: &bytes)
        let count = bytes.count - start - MessageHeader.size
        precondition(count <= RelayLimits.controlBody, "a message is larger than its receiver takes")
        for i in 0..<4 { bytes[start + i] = UInt8(truncatingIfNeeded: count >> (24 - 8 * i)) }
    }

    private func appendBody(to bytes: inout [UInt8]) {
        switch self {
        case .frame, .unsubscribe: break
        case .hello(let hello): hello.append(to: &bytes)
        case .proof(let proof): bytes += proof
        case .subscribe(let subscribe): subscribe.append(to: &bytes)
        case .subscribed(let subscribed): subscribed.append(to: &bytes)
        case .refused(let refused):
            bytes.append(u32: refused.request)
            bytes.append(u16: refused.reason.rawValue)
            bytes.append(text: refused.text)
            bytes.append(places: refused.elsewhere)
        case .credit(_, let count): bytes.append(u32: count)
        case .end(_, let reason, let text):
            bytes.append(reason.rawValue)
            bytes.append(text: text)
        case .moved(_, let places): bytes.append(places: places)
        case .ping(let ping):
            bytes.append(u64: ping.token)
            bytes.append(i64: ping.clock)
        case .pong(let pong):
            bytes.append(u64: pong.token)
            bytes.append(i64: pong.pingClock)
            bytes.append(i64: pong.received)
            bytes.append(i64: pong.sent)
        case .path(_, let path): bytes.append(path: path)
        case .announce(let announce):
            bytes.append(name: announce.name)
            bytes.append(u64: announce.epoch)
            bytes.append(u16: announce.priority)
            bytes.append(path: announce.path)
        case .withdraw(let name, let epoch), .fenced(_, let name, let epoch):
            bytes.append(name: name)
            bytes.append(u64: epoch)
        case .goaway(let goaway):
            bytes.append(u32: goaway.graceMilliseconds)
            bytes.append(text: goaway.text)
            bytes.append(places: goaway.elsewhere)
        case .register(let register): register.append(to: &bytes)
        case .load(let load): load.append(to: &bytes)
        case .carry(let carry): carry.append(to: &bytes)
        case .want(let want): want.append(to: &bytes)
        case .unwant(let name): bytes.append(name: name)
        case .steer(let steer): steer.append(to: &bytes)
        case .room(let room): room.append(to: &bytes)
        case .raise(let name, let from, let to):
            bytes.append(name: name)
            bytes.append(u64: from)
            bytes.append(u64: to)
        case .allow(let allow): allow.append(to: &bytes)
        case .used(let used): used.append(to: &bytes)
        }
    }
}

extension RelayFrame {
    /// A whole frame; for tests, prologues and small tools.
    public func append(to bytes: inout [UInt8]) {
        precondition(header.stream != 0, "stream number 0 is none")
        var header = header
        header.bodyCount = body.count
        bytes += [UInt8](unsafeUninitializedCapacity: RelayFrame.headerSize) { buffer, count in
            header.write(into: UnsafeMutableRawBufferPointer(buffer))
            count = RelayFrame.headerSize
        }
        bytes += body
    }
}

extension Hello {
    fileprivate func append(to bytes: inout [UInt8]) {
        bytes.append(u32: Hello.magic)
        bytes.append(u16: versions.lowerBound)
        bytes.append(u16: versions.upperBound)
        bytes.append(u64: capabilities.rawValue)
        bytes += nonce
        bytes.append(short: node.name)
        bytes.append(short: idc)
    }
}

extension Subscribe {
    fileprivate func append(to bytes: inout [UInt8]) {
        precondition(request != 0, "request 0 is the connection")
        bytes.append(u32: request)
        bytes.append(u32: credit)
        bytes.append(serviceClass)
        bytes.append(from.code)
        bytes.append(number: from.number)
        bytes.append(name: name)
        if let needed { bytes.append(number: needed) }
    }
}

extension Subscribed {
    fileprivate func append(to bytes: inout [UInt8]) {
        bytes.append(u32: request)
        bytes.append(number: first)
        bytes.append(continuity.code)
        bytes.append(u64: continuity.lostFrames)
        bytes.append(path: path)
    }
}

extension [UInt8] {
    fileprivate mutating func append(i64 value: Int64) { append(u64: UInt64(bitPattern: value)) }

    fileprivate mutating func append(number: FrameNumber) {
        append(u64: number.epoch)
        append(u64: number.sequence)
    }

    /// One byte of length; for ids.
    mutating func append(short text: String) {
        append(UInt8(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    /// Two bytes of length.
    mutating func append(long text: String) {
        append(u16: UInt16(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    mutating func append(text: String) {
        var text = Substring(text)
        while text.utf8.count > RelayLimits.text { text.removeLast() }
        append(long: String(text))
    }

    mutating func append(name: RelayStreamName) {
        append(long: name.app)
        append(long: name.name)
    }

    mutating func append(path: RelayPath) {
        append(UInt8(path.nodes.count))
        for node in path.nodes { append(short: node.name) }
    }

    fileprivate mutating func append(places: [RelayPlace]) {
        let places = places.prefix(RelayLimits.places)
        append(UInt8(places.count))
        for place in places { append(place: place) }
    }

    mutating func append(place: RelayPlace) {
        append(short: place.node.name)
        append(long: place.address)
    }
}
