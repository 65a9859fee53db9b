import Media

/// How the reader follows the PAT and the PMT: which program, which streams, and what changes in mid-stream.
extension TSReader {
    mutating func takeSections(_ index: Int) throws(TSError) {
        let kind = slots[index].kind
        for bytes in slots[index].sections.take() {
            switch kind {
            case .association: try takeAssociation(bytes.span)
            case .map: takeMap(bytes.span)
            case .sections: takeSplice(bytes, index)
            case .stream: break
            }
        }
    }

    /// nil for a section that is not for us, or damaged.
    private mutating func section(_ bytes: Span<UInt8>, _ table: UInt8) -> PSISection? {
        guard bytes.count > 0, bytes[0] == table else { return nil }
        do {
            return try PSISection(bytes)
        } catch {
            if error == .checksum { counters.badChecksums += 1 }
            return nil
        }
    }

    private mutating func takeAssociation(_ bytes: Span<UInt8>) throws(TSError) {
        guard let section = section(bytes, PSISection.association), association.take(section, bytes) else { return }
        counters.beyondLimits = max(counters.beyondLimits, association.dropped)
        let entry = association.program(wanted)
        if entry == nil, association.isComplete, let wanted {
            throw .noSuchProgram(wanted, available: association.entries.map(\.number))
        }
        guard let entry, entry != chosen else { return }
        chosen = entry
        mapChecksum = nil
        setSlots([])
    }

    private mutating func takeMap(_ bytes: Span<UInt8>) {
        guard let section = section(bytes, PSISection.map), section.number == chosen?.number,
            section.checksum != mapChecksum
        else { return }
        var dropped: UInt64 = 0
        guard let program = TSProgram(section, bytes, limit: limits.streams, dropped: &dropped) else { return }
        counters.beyondLimits += dropped
        mapChecksum = section.checksum
        guard program != self.program else { return }
        for index in slots.indices.reversed() {
            guard let stream = slots[index].stream, !program.streams.contains(stream.description) else { continue }
            if slots[index].pes.isGathering { endUnit(index) }
        }
        setSlots(streams(of: program))
        self.program = program
        events.append(.program(program))
        declareLanguages()
        declareData()
    }

    /// Streams that stay as they are keep what they have gathered and their tracks; others get the lowest free track.
    private func streams(of program: TSProgram) -> [PIDSlot] {
        var kept: [PIDSlot] = []
        for slot in slots {
            if let stream = slot.stream, program.streams.contains(stream.description) { kept.append(slot) }
        }
        for stream in program.streams where !kept.contains(where: { $0.pid == stream.pid }) {
            guard stream.pid != Self.associationPID, stream.pid != chosen?.mapPID else { continue }
            switch stream.codec {
            case .unsupported: continue
            default:
                let kind = stream.codec.mediaKind
                let used = kept.compactMap(\.stream).filter { $0.description.codec.mediaKind == kind }.map(\.track)
                let track = (0...UInt8.max).first { !used.contains($0) } ?? 0
                let limit = kind == .video ? limits.videoUnit : limits.otherUnit
                kept.append(
                    PIDSlot(
                        pid: stream.pid, kind: stream.codec == .data(.scte35) ? .sections : .stream,
                        stream: ElementaryStream(stream, track: track),
                        unitLimit: limit))
            }
        }
        return kept
    }

    /// Replaces all slots but those of the tables.
    private mutating func setSlots(_ streams: [PIDSlot]) {
        let tables = slots.filter { slot in
            switch slot.kind {
            case .association: true
            case .map: slot.pid == chosen?.mapPID
            case .stream, .sections: false
            }
        }
        for slot in slots { roles[Int(slot.pid)] = 0 }
        slots = []
        for slot in tables { addSlot(slot) }
        if let chosen, roles[Int(chosen.mapPID)] == 0 { addSlot(PIDSlot(pid: chosen.mapPID, kind: .map)) }
        for slot in streams where roles[Int(slot.pid)] == 0 { addSlot(slot) }
    }
}
