import Media

/// Takes an MPEG transport stream apart, however its bytes are cut, and makes the message bodies of it that streams hold.
///
/// One program is read: the one asked for, or the first. Damage costs the frames that it hits and is counted; only what
/// is no transport stream, or cannot be read as long as it stays as it is, throws. Data plane: packets allocate nothing,
/// a frame its body.
public struct TSReader: Sendable {
    public internal(set) var counters = TSCounters()
    /// The program that is read, as its newest map says.
    public internal(set) var program: TSProgram?

    let limits: TSLimits
    let wanted: UInt16?
    private var framer: PacketFramer
    /// By PID: 0, or one more than an index of `slots`.
    var roles = [UInt8](repeating: 0, count: 0x2000)
    var slots: [PIDSlot] = []
    var association: ProgramAssociation
    var chosen: ProgramAssociation.Entry?
    var mapChecksum: UInt32?
    var clock = ClockUnwrapper()
    /// The newest decoding time of any stream; of what came after it, where the source's clock has jumped back.
    var newest: Int64?
    private var scrambledInARow = 0
    var events: [TSEvent] = []
    private var taken = 0
    var failure: TSError?

    static let associationPID: UInt16 = 0
    /// 90 kHz by which streams are apart at most: 1 s, as `Timeline` takes it.
    private static let backwardJump: Int64 = 90_000

    public init(program: UInt16? = nil, limits: TSLimits = TSLimits()) {
        self.limits = limits
        wanted = program
        framer = PacketFramer(limit: limits.unsynchronised)
        association = ProgramAssociation(limit: limits.programs)
        addSlot(PIDSlot(pid: Self.associationPID, kind: .association))
    }

    /// The next event, in the stream's order.
    public mutating func next() -> TSEvent? {
        guard taken < events.count else { return nil }
        defer {
            taken += 1
            if taken == events.count {
                events.removeAll(keepingCapacity: true)
                taken = 0
            }
        }
        return events[taken]
    }

    /// After an error the reader takes nothing more.
    public mutating func receive(_ bytes: Span<UInt8>) throws(TSError) {
        if let failure { throw failure }
        do {
            var position = 0
            while let found = try framer.next(bytes, &position) {
                try take(found, bytes)
            }
            countFraming()
        } catch {
            countFraming()
            failure = error
            throw error
        }
    }

    /// The stream has ended: what waits for its end is whole now.
    public mutating func finish() {
        guard failure == nil else { return }
        framer.finish()
        var position = 0
        while let found = try? framer.next([UInt8]().span, &position) { try? take(found, [UInt8]().span) }
        for index in slots.indices where slots[index].pes.isGathering { deliver(index) }
    }

    private mutating func countFraming() {
        counters.badSyncBytes = framer.badSyncBytes
        counters.syncLosses = framer.syncLosses
        counters.unsynchronisedBytes = framer.unsynchronisedBytes
    }

    private mutating func take(_ found: PacketFramer.Found, _ bytes: Span<UInt8>) throws(TSError) {
        switch found {
        case .input(let at):
            try take(bytes.extracting(at..<at + TSPacket.size))
        case .held(let at):
            let held = framer.takeHeld()
            defer { framer.restore(held) }
            try take(held.span.extracting(at..<at + TSPacket.size))
        }
    }

    // MARK: Packets

    private mutating func take(_ bytes: Span<UInt8>) throws(TSError) {
        counters.packets += 1
        guard let packet = TSPacket(bytes) else {
            counters.malformedPackets += 1
            return
        }
        // Nothing in a packet that a receiver has marked can be believed, its PID included.
        guard !packet.hasError else {
            counters.transportErrors += 1
            return
        }
        let role = Int(roles[Int(packet.pid)])
        guard role > 0 else { return }
        if packet.isScrambled { return try passScrambled() }
        let index = role - 1
        switch slots[index].continuity.check(packet, bytes) {
        case .next: break
        case .duplicate:
            counters.duplicates += 1
            return
        case .gap:
            counters.discontinuities += 1
            lose(index)
        }
        guard packet.payloadStart < TSPacket.size else { return }
        let payload = bytes.extracting(packet.payloadStart..<TSPacket.size)
        switch slots[index].kind {
        case .stream:
            // Tables are in the clear even where all else is scrambled.
            scrambledInARow = 0
            takeUnit(index, payload, packet)
        case .association, .map, .sections:
            slots[index].sections.receive(payload, startsUnit: packet.startsUnit)
            if !slots[index].sections.complete.isEmpty { try takeSections(index) }
        }
    }

    private mutating func passScrambled() throws(TSError) {
        counters.scrambledPackets += 1
        scrambledInARow += 1
        guard scrambledInARow < limits.scrambled else { throw .scrambled(packets: scrambledInARow) }
    }

    /// Packets are missing before the one at hand.
    private mutating func lose(_ index: Int) {
        guard case .stream = slots[index].kind else { return slots[index].sections.lose() }
        if slots[index].pes.isGathering {
            deliver(index, isCut: !slots[index].pes.isWhole)
        }
        slots[index].stream?.lose()
    }

    private mutating func takeUnit(_ index: Int, _ payload: Span<UInt8>, _ packet: TSPacket) {
        if packet.startsUnit {
            if slots[index].pes.isGathering { endUnit(index) }
        } else if !slots[index].pes.isGathering {
            return
        }
        let limit = slots[index].unitLimit
        let result =
            packet.startsUnit
            ? slots[index].pes.begin(payload, packet, limit: limit)
            : slots[index].pes.append(payload, packet, limit: limit)
        switch result {
        case .complete: deliver(index)
        case .oversize: counters.oversizeUnits += 1
        case .more: break
        }
    }

    /// The next PES packet begins: the one before is whole, unless it said that it is longer.
    mutating func endUnit(_ index: Int) {
        deliver(index, isCut: slots[index].pes.isShort)
    }

    private mutating func deliver(_ index: Int, isCut: Bool = false) {
        guard var stream = slots[index].stream else { return }
        slots[index].stream = nil
        let bytes = slots[index].pes.take()
        if let header = PESHeader(bytes.span), !header.isScrambled {
            var timing = UnitTiming(isRandomAccess: slots[index].pes.isRandomAccess, isCut: isCut)
            readTimes(header, stream.description.codec, &timing)
            let payload = bytes.span.extracting(header.payloadStart..<bytes.count)
            if stream.description.codec.mediaKind == nil {
                takeData(stream, header, payload, timing)
            } else {
                stream.take(payload, timing, &counters, &events)
            }
        } else {
            counters.damagedUnits += 1
        }
        slots[index].pes.restore(bytes)
        slots[index].stream = stream
    }

    private mutating func readTimes(_ header: PESHeader, _ codec: TSCodec, _ timing: inout UnitTiming) {
        guard let pts = header.pts else { return }
        // Data may be announced long before it is due, and must not move the stream's time.
        guard codec.mediaKind != nil else {
            timing.pts = clock.nearest(pts)
            return
        }
        let dts = clock.unwrap(header.dts ?? pts)
        if newest.map({ dts > $0 || dts < $0 - Self.backwardJump }) ?? true { newest = dts }
        timing.dts = dts
        timing.pts = clock.nearest(pts)
    }

    mutating func addSlot(_ slot: PIDSlot) {
        slots.append(slot)
        roles[Int(slot.pid)] = UInt8(slots.count)
    }
}
