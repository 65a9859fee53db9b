import FLV
import Media

/// What a stream's fragments are fragments of: learns the tracks from message bodies and makes the initialisation
/// segment of those that are chosen.
///
/// Track numbers, their order and the segment's bytes follow from the tracks' configurations alone, never from the order
/// in which they were learnt. Coded frames of a known format allocate nothing.
public struct Movie: Sendable {
    public enum Selection: Sendable, Equatable {
        case all
        /// The first video track, alone.
        case video
        /// One audio track, alone.
        case audio(UInt8)
        /// The first video track and one audio track.
        case videoAndAudio(UInt8)
    }

    public let selection: Selection
    /// `ftyp` and `moov` of the chosen tracks; empty while none is ready.
    public private(set) var initialization: [UInt8] = []
    /// Changes whenever `initialization` does.
    public private(set) var version: UInt64 = 0
    /// Frames that MP4 cannot hold, or that make no sense.
    public internal(set) var unwritableFrames: UInt64 = 0
    /// Every chosen track has said what the initialisation segment needs, and there is one at least.
    public private(set) var isComplete = false
    /// A video track is among the chosen.
    public private(set) var hasVideo = false
    /// An audio track is.
    public private(set) var hasSound = false

    /// All that were learnt, by number.
    var known: [MovieTrack] = []

    public init(selection: Selection = .all) { self.selection = selection }

    /// The chosen tracks, in the order of the initialisation segment: by number, video 0 before audio 0.
    public var tracks: [MovieTrack] { known.filter(\.isSelected) }

    /// For CODECS, and for `addSourceBuffer` behind the type: "avc1.640028,mp4a.40.2".
    public var codecs: String { tracks.filter(\.isReady).map(\.codecString).joined(separator: ",") }

    public static func holds(_ codec: VideoCodec) -> Bool {
        switch codec {
        case .h264, .h265, .av1, .vp9: true
        case .vp8, .other: false
        }
    }

    public static func holds(_ codec: AudioCodec) -> Bool {
        switch codec {
        case .aac, .opus, .flac, .mp3, .ac3, .eac3: true
        case .g711a, .g711u, .speex, .pcm, .other: false
        }
    }

    /// Another publish session follows: what the last one said of its tracks no longer holds.
    public mutating func beginSession() {
        known = []
        changed()
    }

    /// Takes into account what a body says of its tracks: a sequence header, or a frame.
    public mutating func learn(_ kind: MediaKind, body: Span<UInt8>) {
        _ = samples(kind, body)
    }

    // MARK: Bodies

    /// The samples of a body, for chosen tracks.
    mutating func samples(_ kind: MediaKind, _ body: Span<UInt8>) -> SampleList {
        var list = SampleList()
        switch kind {
        case .video: readVideo(body, &list)
        case .audio: readAudio(body, &list)
        case .script: break
        }
        return list
    }

    private mutating func readVideo(_ body: Span<UInt8>, _ list: inout SampleList) {
        guard var packet = try? VideoPacket.parse(body) else {
            unwritableFrames += 1
            return
        }
        while true {
            let range = packet.payloadOffset..<packet.payloadEnd
            if packet.isSequenceHeader {
                configure(packet, body.extracting(range))
            } else if packet.isCoded {
                addVideo(packet, range, body, &list)
            }
            guard let next = (try? packet.next(in: body)) ?? nil else { return }
            packet = next
        }
    }

    private mutating func readAudio(_ body: Span<UInt8>, _ list: inout SampleList) {
        guard var packet = try? AudioPacket.parse(body) else {
            unwritableFrames += 1
            return
        }
        while true {
            let range = packet.payloadOffset..<packet.payloadEnd
            if packet.isSequenceHeader {
                configure(packet, body.extracting(range))
            } else if packet.isCoded {
                addAudio(packet, range, body, &list)
            }
            guard let next = (try? packet.next(in: body)) ?? nil else { return }
            packet = next
        }
    }

    private mutating func addVideo(
        _ packet: VideoPacket, _ range: Range<Int>, _ body: Span<UInt8>, _ list: inout SampleList
    ) {
        guard let index = index(.video, packet.trackID), known[index].format.coding.isOf(packet.codec) else {
            unwritableFrames += 1
            return
        }
        var range = range
        switch known[index].format.coding {
        case .h264(let size), .h265(let size):
            if !NALUnits.areWhole(body.extracting(range), lengthSize: size) {
                range = range.upperBound..<range.upperBound
            }
        case .av1:
            // A temporal delimiter has no place in a sample (AV1 in ISOBMFF §2.4).
            while range.count >= 2, body[range.lowerBound] == 0x12, body[range.lowerBound + 1] == 0 {
                range = range.lowerBound + 2..<range.upperBound
            }
        default: break
        }
        if packet.isKeyframe && !known[index].isReady {
            known[index].format.learnSize(keyframe: body.extracting(range))
            if known[index].isReady { changed() }
        }
        add(
            Sample(
                track: index, payload: range, composition: Int64(packet.compositionTime), isSync: packet.isKeyframe,
                isDisposable: packet.frameType == .disposable), &list)
    }

    private mutating func addAudio(
        _ packet: AudioPacket, _ range: Range<Int>, _ body: Span<UInt8>, _ list: inout SampleList
    ) {
        let payload = body.extracting(range)
        if let coding = TrackFormat.coding(ofFrame: packet.codec, payload) { setCoding(packet.trackID, coding) }
        guard let index = index(.audio, packet.trackID) else {
            unwritableFrames += 1
            return
        }
        add(Sample(track: index, payload: range, duration: duration(known[index], packet.codec, payload)), &list)
    }

    /// 0 for a frame that makes no sense.
    private func duration(_ track: MovieTrack, _ codec: AudioCodec, _ frame: Span<UInt8>) -> Int64 {
        switch (track.format.coding, codec) {
        case (.aac(let samples), .aac): Int64(samples)
        case (.opus, .opus): Int64(AudioFrame.opus(frame))
        case (.flac, .flac): Int64(AudioFrame.flac(frame))
        case (.mp3, .mp3): Int64(MP3Head(frame)?.samples ?? 0)
        case (.dolby(let head), .ac3), (.dolby(let head), .eac3):
            Int64(DolbyHead(frame, isEnhanced: head.isEnhanced)?.samples ?? 0)
        default: 0
        }
    }

    private mutating func add(_ sample: Sample, _ list: inout SampleList) {
        let makesSense = !sample.payload.isEmpty && (sample.duration > 0 || known[sample.track].kind == .video)
        guard makesSense, !list.has(track: sample.track) else {
            unwritableFrames += 1
            return
        }
        guard known[sample.track].isSelected else { return }
        if !list.append(sample) { unwritableFrames += 1 }
    }

    // MARK: Tracks

    func index(_ kind: MediaKind, _ id: UInt8) -> Int? {
        let number = MovieTrack.number(kind, id)
        for index in known.indices where known[index].number == number { return index }
        return nil
    }

    private mutating func configure(_ packet: VideoPacket, _ record: Span<UInt8>) {
        if let index = index(.video, packet.trackID), isSame(index, record) { return }
        // An MPEG-2 TS descriptor in place of a record names the codec and no more.
        let format = packet.packetType == .sequenceStart ? (try? TrackFormat.video(packet.codec, record)) ?? nil : nil
        set(.video, packet.trackID, format, record.copy())
    }

    private mutating func configure(_ packet: AudioPacket, _ header: Span<UInt8>) {
        // Codecs whose frames describe themselves may have a header, which says no more.
        guard ![.mp3, .ac3, .eac3].contains(packet.codec) else { return }
        if let index = index(.audio, packet.trackID), isSame(index, header) { return }
        set(.audio, packet.trackID, (try? TrackFormat.audio(packet.codec, header)) ?? nil, header.copy())
    }

    private mutating func setCoding(_ id: UInt8, _ coding: TrackCoding) {
        if let index = index(.audio, id), known[index].format.coding == coding { return }
        set(.audio, id, TrackFormat.selfDescribing(coding), [])
    }

    private func isSame(_ index: Int, _ record: Span<UInt8>) -> Bool {
        let old = known[index].record
        guard !old.isEmpty, old.count == record.count else { return false }
        for i in 0..<record.count where old[i] != record[i] { return false }
        return true
    }

    /// Makes, changes or, where MP4 has no place for it, removes a track.
    private mutating func set(_ kind: MediaKind, _ id: UInt8, _ format: TrackFormat?, _ record: [UInt8]) {
        let old = index(kind, id).map { known.remove(at: $0) }
        if let format, format.sampleRate <= MP4Limits.sampleRate, known.count < MP4Limits.tracks {
            var track = MovieTrack(kind, id: id, format: format, record: record)
            if let old, old.timescale == track.timescale { track.clock = old.clock }
            known.insert(track, at: known.firstIndex { $0.number > track.number } ?? known.count)
        } else if old == nil {
            return
        }
        changed()
    }

    private mutating func changed() {
        let video = known.first { $0.kind == .video }?.number
        for index in known.indices { known[index].isSelected = isChosen(known[index], firstVideo: video) }
        let chosen = tracks
        hasVideo = chosen.contains { $0.kind == .video }
        hasSound = chosen.contains { $0.kind == .audio }
        isComplete = !chosen.isEmpty && chosen.allSatisfy(\.isReady)
        let bytes = InitializationSegment.bytes(chosen.filter(\.isReady))
        guard bytes != initialization else { return }
        initialization = bytes
        version += 1
    }

    private func isChosen(_ track: MovieTrack, firstVideo: UInt32?) -> Bool {
        switch selection {
        case .all: true
        case .video: track.number == firstVideo
        case .audio(let id): track.kind == .audio && track.id == id
        case .videoAndAudio(let id):
            track.number == firstVideo || (track.kind == .audio && track.id == id)
        }
    }
}
