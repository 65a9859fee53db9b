import FLV
import Media

/// How the reader makes messages of data that comes beside sound and pictures. Each has its place, and with it its time,
/// behind the newest of those; what it says of time itself stays by the source's clock, which the message tells.
extension TSReader {
    /// Tells what languages the program's audio tracks are in, where there is something to choose.
    mutating func declareLanguages() {
        let sounds = slots.compactMap(\.stream).filter { $0.description.codec.mediaKind == .audio }
        let known = sounds.filter { !$0.description.language.isEmpty }
        guard sounds.count > 1, !known.isEmpty, let pid = chosen?.mapPID else { return }
        let languages = Dictionary(known.map { ($0.track, $0.description.language) }) { first, _ in first }
        let time = newest ?? 0
        events.append(
            .frame(
                TSFrame(
                    kind: .script, pid: pid, pts: time, dts: time, isConfiguration: true,
                    body: StreamMetadata.message(audioLanguages: languages))))
    }

    /// Tells of the program's data tracks before there is anything on them.
    mutating func declareData() {
        for slot in slots {
            guard let stream = slot.stream, stream.description.codec.mediaKind == nil else { continue }
            var message = DataMessage(track: stream.track, streamType: stream.description.streamType)
            message.isDeclaration = true
            let body = message.encode(descriptors: stream.description.descriptors, payload: [UInt8]().span)
            let time = newest ?? 0
            events.append(
                .frame(
                    TSFrame(kind: .script, pid: slot.pid, pts: time, dts: time, isConfiguration: true, body: body)))
        }
    }

    /// splice_info_section() (SCTE 35): the whole section, with its checksum.
    mutating func takeSplice(_ bytes: [UInt8], _ index: Int) {
        guard bytes.first == SpliceSection.table, let stream = slots[index].stream else { return }
        guard CRC32.of(bytes.span) == 0 else {
            counters.badChecksums += 1
            return
        }
        emit(DataMessage(track: stream.track, streamType: stream.description.streamType), stream, bytes.span, pts: nil)
    }

    /// The payload of a PES packet.
    mutating func takeData(
        _ stream: ElementaryStream, _ header: PESHeader, _ payload: Span<UInt8>, _ timing: UnitTiming
    ) {
        guard !timing.isCut else {
            counters.damagedUnits += 1
            return
        }
        var message = DataMessage(track: stream.track, streamType: stream.description.streamType)
        message.streamID = header.streamID
        message.isAligned = header.isAligned
        if !PESHeader.isBare(header.streamID) { message.headerSize = UInt8(header.payloadStart - PESWriter.fixedSize) }
        emit(message, stream, payload, pts: timing.pts)
    }

    /// Times are rounded as those of frames are, so that what was due with a frame stays so.
    private mutating func emit(
        _ message: DataMessage, _ stream: ElementaryStream, _ payload: Span<UInt8>, pts: Int64?
    ) {
        guard let newest else {
            counters.unconfiguredFrames += 1
            return
        }
        var message = message
        message.clock = TSFrame.milliseconds(newest) * 90
        message.pts = pts.map { TSFrame.milliseconds($0) * 90 }
        events.append(
            .frame(
                TSFrame(
                    kind: .script, pid: stream.description.pid, pts: message.pts ?? newest, dts: newest,
                    body: message.encode(payload: payload))))
    }
}
