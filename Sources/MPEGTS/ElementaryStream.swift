import Media

/// One elementary stream of the program that is read: hands each whole PES packet to what makes frames of it.
struct ElementaryStream: Sendable {
    private enum Units {
        case video(VideoUnits)
        case audio(AudioUnits)
        case opus(OpusUnits)
        /// Data, which the reader makes messages of, and what is passed over.
        case none
    }

    let description: TSProgram.Stream
    let track: UInt8
    private var units: Units

    init(_ description: TSProgram.Stream, track: UInt8) {
        self.description = description
        self.track = track
        let pid = description.pid
        switch description.codec {
        case .video(let codec): units = .video(VideoUnits(codec, pid: pid, track: track))
        case .audio(.opus): units = .opus(OpusUnits(pid: pid, track: track, channels: description.opusChannels))
        case .audio(let codec): units = .audio(AudioUnits(codec, isLATM: false, pid: pid, track: track))
        case .latm: units = .audio(AudioUnits(.aac, isLATM: true, pid: pid, track: track))
        case .data, .unsupported: units = .none
        }
    }

    /// A loss: half a PES packet may hold whole frames, and what is left of the one before leads nowhere.
    mutating func lose() {
        guard case .audio(var audio) = units else { return }
        units = .none
        audio.lose()
        units = .audio(audio)
    }

    /// Makes frames of the payload of one PES packet.
    mutating func take(
        _ payload: Span<UInt8>, _ timing: UnitTiming, _ counters: inout TSCounters, _ events: inout [TSEvent]
    ) {
        // The case is emptied while its value is changed, so that the buffers in it stay unshared.
        switch units {
        case .video(var video):
            units = .none
            video.take(payload, timing, &counters, &events)
            units = .video(video)
        case .audio(var audio):
            units = .none
            audio.take(payload, timing, &counters, &events)
            units = .audio(audio)
        case .opus(var opus):
            units = .none
            opus.take(payload, timing, &counters, &events)
            units = .opus(opus)
        case .none: break
        }
    }
}
