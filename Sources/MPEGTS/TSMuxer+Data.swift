import FLV
import Media

/// How the muxer writes data beside sound and pictures: sections and PES packets as they were, at their place among the
/// frames, with the times that the source's clock gave them moved to this stream's.
extension TSMuxer {
    /// Data tracks of one program that are written.
    static let maximumDataTracks = 8
    /// Bytes of their descriptors together: the map is one section of at most 1,021.
    static let maximumDataDescriptors = 512

    /// Whether a script message tells of a data track, which whoever makes another muxer has to say again.
    public static func isDeclaration(_ body: Span<UInt8>) -> Bool { DataMessage(body)?.isDeclaration ?? false }

    mutating func planData(_ timestamp: Int64, _ body: Span<UInt8>, _ plan: inout Plan) {
        guard let message = DataMessage(body) else { return }
        guard !message.isDeclaration else { return declare(message, body) }
        // Before the first frame nothing says what time it is.
        guard newestFrame != nil else { return }
        guard let index = tracks.firstIndex(where: { $0.kind == .script && $0.id == message.track }),
            case .data(let data) = tracks[index].codec, let unit = unit(message, data, timestamp, body, track: index)
        else {
            unwritableFrames += 1
            return
        }
        plan.units[0] = unit
        plan.count = 1
        plan.data = message
    }

    private mutating func declare(_ message: DataMessage, _ body: Span<UInt8>) {
        let others = tracks.filter { $0.kind == .script && $0.id != message.track }
        let size = others.reduce(message.descriptors.count) { $0 + $1.descriptors.count }
        guard message.streamType != 0, others.count < Self.maximumDataTracks, size <= Self.maximumDataDescriptors else {
            unwritableFrames += 1
            return
        }
        let data = MuxData(streamType: message.streamType, descriptors: body.copy(message.descriptors))
        _ = setTrack(.script, message.track, .data(data))
    }

    /// How much later than by the source's clock the message's times are.
    private func shift(_ message: DataMessage, _ timestamp: Int64) -> Int64 {
        (timestamp + settings.decodeDelay) * 90 - message.clock
    }

    /// `pts` is that of a PES packet, and `dts` what the times of a section are moved by.
    private func unit(
        _ message: DataMessage, _ data: MuxData, _ timestamp: Int64, _ body: Span<UInt8>, track: Int
    ) -> MuxUnit? {
        let shift = shift(message, timestamp)
        var unit = MuxUnit(track: track, payload: message.payload, pts: (message.pts ?? 0) + shift, dts: shift)
        if data.isSections {
            let bytes = body.extracting(message.payload)
            guard let section = SpliceSection(bytes, shift: shift, clock: message.clock) else { return nil }
            unit.dts = section.shift
            unit.size = Self.paddedSize(1 + bytes.count, isMarked: isUnknown(track))
        } else {
            guard !message.payload.isEmpty, let size = PESWriter.size(message) else { return nil }
            unit.size = size + message.payload.count
        }
        return unit
    }

    /// Sections fill their packets up with stuffing of their own. `isMarked`: the first has an adaptation field.
    private static func paddedSize(_ count: Int, isMarked: Bool) -> Int {
        let field = isMarked ? PacketWriter.Adaptation(isDiscontinuous: true).size : 0
        return (count + field + PacketWriter.payload - 1) / PacketWriter.payload * PacketWriter.payload - field
    }

    func putData(_ message: DataMessage, _ unit: MuxUnit, _ body: Span<UInt8>, _ writer: inout PacketWriter) {
        let bytes = body.extracting(message.payload)
        guard case .data(let data) = tracks[unit.track].codec, data.isSections else {
            PESWriter.put(message, pts: unit.pts, into: &writer)
            bytes.withUnsafeBytes { writer.put($0) }
            return
        }
        writer.put([0] as [1 of UInt8], 1)  // the section begins at once
        SpliceSection(shift: unit.dts).put(bytes, into: &writer)
        writer.putStuffing(unit.size - 1 - bytes.count)
    }
}
