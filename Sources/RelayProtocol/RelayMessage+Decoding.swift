/// Control plane. Messages from their bytes; frames are the parser's own, because they are large and many.
extension RelayMessage {
    /// Reads the body of a message that is no frame.
    init(_ type: MessageType, header: MessageHeader, body: [UInt8]) throws(RelayError) {
        var fields = FieldReader(type, body)
        let stream = header.stream
        switch type {
        case .frame: preconditionFailure("frames are not collected here")
        case .hello: self = .hello(try Hello(&fields))
        case .proof: self = .proof(try fields.fixed(Proof.size))
        case .subscribe: self = .subscribe(try Subscribe(&fields))
        case .subscribed: self = .subscribed(try Subscribed(&fields, stream: stream))
        case .refused:
            let request = try fields.u32()
            let reason = RefusalReason(rawValue: try fields.u16())
            self = .refused(
                Refused(request: request, reason: reason, text: try fields.text(), elsewhere: try fields.places()))
        case .credit: self = .credit(stream: stream, bytes: try fields.u32())
        case .end:
            let reason = EndReason(rawValue: try fields.u8())
            self = .end(stream: stream, reason: reason, text: try fields.text())
        case .moved: self = .moved(stream: stream, places: try fields.places())
        case .unsubscribe: self = .unsubscribe(stream: stream)
        case .ping: self = .ping(Ping(token: try fields.u64(), clock: try fields.i64()))
        case .pong:
            self = .pong(
                Pong(
                    token: try fields.u64(), pingClock: try fields.i64(), received: try fields.i64(),
                    sent: try fields.i64()))
        case .path: self = .path(stream: stream, try fields.path())
        case .announce:
            self = .announce(
                Announce(
                    name: try fields.name(), epoch: try fields.epoch(), priority: try fields.u16(),
                    path: try fields.path()))
        case .withdraw: self = .withdraw(try fields.name(), epoch: try fields.epoch())
        case .fenced: self = .fenced(stream: stream, try fields.name(), newer: try fields.epoch())
        case .goaway:
            let grace = try fields.u32()
            self = .goaway(
                Goaway(graceMilliseconds: grace, text: try fields.text(), elsewhere: try fields.places()))
        case .register: self = .register(try Register(&fields))
        case .load: self = .load(try Load(&fields))
        case .carry: self = .carry(try Carry(&fields))
        case .want: self = .want(try Want(&fields))
        case .unwant: self = .unwant(try fields.name())
        case .steer: self = .steer(try Steer(&fields))
        case .room: self = .room(try Room(&fields))
        case .raise:
            let name = try fields.name()
            let (from, to) = (try fields.u64(), try fields.u64())
            guard FrameNumber(startOf: from).isValid, FrameNumber(startOf: to).isValid, from < to else {
                throw fields.bad("epoch")
            }
            self = .raise(name, from: from, to: to)
        case .allow: self = .allow(try Allow(&fields))
        case .used: self = .used(try Used(&fields))
        }
    }
}

extension Hello {
    fileprivate init(_ fields: inout FieldReader) throws(RelayError) {
        let magic = try fields.u32()
        guard magic == Hello.magic else { throw .badMagic(magic) }
        let lowest = try fields.u16()
        let highest = try fields.u16()
        guard lowest <= highest else { throw fields.bad("range of versions") }
        let capabilities = RelayCapabilities(rawValue: try fields.u64())
        let nonce = try fields.fixed(Hello.nonceSize)
        self.init(
            versions: lowest...highest, node: try fields.node(), idc: try fields.identifier("IDC id"), nonce: nonce,
            capabilities: capabilities)
    }
}

extension Subscribe {
    fileprivate init(_ fields: inout FieldReader) throws(RelayError) {
        let request = try fields.u32()
        guard request != 0 else { throw fields.bad("request") }
        let credit = try fields.u32()
        guard Int64(credit) <= RelayLimits.credit else {
            throw .creditOverflow(granted: credit, limit: RelayLimits.credit)
        }
        let serviceClass = try fields.u8()
        let code = try fields.u8()
        guard let from = ResumePoint(code: code, number: try fields.number()) else { throw fields.bad("start") }
        let name = try fields.name()
        let needed = fields.hasMore ? try fields.number() : nil
        if let needed, !needed.isValid { throw .badFrameNumber(needed) }
        self.init(
            request: request, name: name, from: from, needed: needed, credit: credit, serviceClass: serviceClass)
    }
}

extension Subscribed {
    fileprivate init(_ fields: inout FieldReader, stream: UInt32) throws(RelayError) {
        let request = try fields.u32()
        let first = try fields.number()
        guard first.isValid else { throw .badFrameNumber(first) }
        let code = try fields.u8()
        guard let continuity = Continuity(code: code, lostFrames: try fields.u64()) else {
            throw fields.bad("continuity")
        }
        self.init(request: request, stream: stream, first: first, continuity: continuity, path: try fields.path())
    }
}
