import Media

/// Makes each frame a fragment of its own, at once: fragmented MP4 for a live log that is joined at any fragment which
/// starts one, behind the initialisation segment as prologue. Data plane: a frame allocates nothing.
///
/// A frame is planned, which tells its exact size, and then written. What says how to decode is learnt when it is planned
/// and takes no bytes. When it changes under readers, the new initialisation segment comes before the next fragment.
public struct FrameMuxer: Sendable {
    public struct Settings: Sendable, Equatable {
        /// A `prft` box before fragments whose origin time is known.
        public var hasProducerTime = true
        /// Readers are told of changes inside the stream.
        public var repeatsInitialization = true

        public init() {}
    }

    /// What one frame becomes.
    public struct Plan: Sendable {
        /// Bytes; 0 for what takes none.
        public fileprivate(set) var size = 0
        /// A reader can start here: a keyframe, or any frame where there is no video.
        public fileprivate(set) var isStart = false
        /// The new initialisation segment comes first.
        public var carriesInitialization: Bool { initialization > 0 }
        fileprivate var initialization = 0
        fileprivate var units: [8 of Unit] = .init(repeating: Unit())
        fileprivate var count = 0
        fileprivate var origin: Int64?
    }

    fileprivate struct Unit: Sendable {
        var number: UInt32 = 0
        var isVideo = false
        var payload = 0..<0
        var time: Int64 = 0
        var duration: Int64 = 0
        var composition: Int64 = 0
        var flags: UInt32 = 0
    }

    /// The tracks and their initialisation segment: the prologue of who joins now.
    public private(set) var movie: Movie
    private let settings: Settings
    /// The version that readers know; nil before the first fragment.
    private var told: UInt64?
    private var sequence: UInt32 = 0

    public init(selection: Movie.Selection = .all, settings: Settings = Settings()) {
        movie = Movie(selection: selection)
        self.settings = settings
    }

    public var unwritableFrames: UInt64 { movie.unwritableFrames }

    /// Another publish session follows. Sequence numbers go on.
    public mutating func beginSession() { movie.beginSession() }

    /// What was said before the first frame.
    public mutating func learn(_ kind: MediaKind, body: Span<UInt8>) { movie.learn(kind, body: body) }

    /// What the message becomes. `timestamp` is in milliseconds of stream time and continuous, `origin` the microseconds
    /// of Unix time at which the frame came in. A plan that has a size is written before the next is made.
    public mutating func plan(
        _ kind: MediaKind, timestamp: Int64, origin: Int64? = nil, body: Span<UInt8>
    ) -> Plan {
        var plan = Plan()
        let samples = movie.samples(kind, body)
        guard samples.count > 0, movie.isComplete else { return plan }
        guard timestamp.magnitude <= MP4Limits.timestamp else {
            movie.unwritableFrames += 1
            return plan
        }
        var head = FragmentWriter.headSize + FragmentWriter.dataHeaderSize
        for index in 0..<samples.count {
            let unit = place(samples[index], timestamp)
            plan.units[index] = unit
            head += FragmentWriter.trackSize + FragmentWriter.sampleSize(isVideo: unit.isVideo) + unit.payload.count
        }
        plan.count = samples.count
        plan.isStart = movie.hasVideo ? kind == .video && samples[0].isSync : true
        plan.origin = settings.hasProducerTime && isLead(plan.units[0]) ? origin : nil
        if settings.repeatsInitialization, let told, told != movie.version {
            plan.initialization = movie.initialization.count
        }
        plan.size = head + plan.initialization + (plan.origin == nil ? 0 : FragmentWriter.producerTimeSize)
        return plan
    }

    private func isLead(_ unit: Unit) -> Bool { unit.isVideo == movie.hasVideo }

    private mutating func place(_ sample: Sample, _ timestamp: Int64) -> Unit {
        let index = sample.track
        var unit = Unit(
            number: movie.known[index].number, isVideo: movie.known[index].kind == .video, payload: sample.payload,
            duration: sample.duration, flags: sample.flags)
        if unit.isVideo {
            // Browsers drop pictures up to the next keyframe when a decoding time is more than two durations after the
            // one before it (Media Source Extensions, coded frame processing, step 6), and when a picture has been
            // sent, how long it lasts is not known: after a pause the decoding time runs ahead.
            unit.time = movie.known[index].clock.placeVideo(timestamp, bridging: true)
            unit.duration = movie.known[index].clock.interval
            unit.composition = (timestamp + sample.composition) * MP4Limits.videoTick - unit.time
        } else {
            unit.time = movie.known[index].clock.placeAudio(
                timestamp, rate: Int64(movie.known[index].timescale), samples: sample.duration)
        }
        return unit
    }

    /// Writes what was planned last. `body` is the plan's.
    ///
    /// Safety: `target` has at least `plan.size` bytes and does not overlap `body`; more are not written.
    public mutating func write(_ plan: Plan, body: Span<UInt8>, into target: UnsafeMutableRawBufferPointer) {
        guard plan.size > 0 else { return }
        precondition(target.count >= plan.size)
        var writer = FragmentWriter(target)
        if plan.carriesInitialization { movie.initialization.withUnsafeBytes { writer.put($0) } }
        told = movie.version
        if let origin = plan.origin {
            writer.putProducerTime(
                track: plan.units[0].number, ntp: ProducerTime.ntp(unixMicroseconds: origin), media: plan.units[0].time)
        }
        sequence &+= 1
        putHead(plan, &writer)
        for index in 0..<plan.count {
            body.extracting(plan.units[index].payload).withUnsafeBytes { writer.put($0) }
        }
        precondition(writer.offset == plan.size, "a frame is written as it was planned")
    }

    private func putHead(_ plan: Plan, _ writer: inout FragmentWriter) {
        var head = FragmentWriter.headSize
        var data = 0
        for index in 0..<plan.count {
            let unit = plan.units[index]
            head += FragmentWriter.trackSize + FragmentWriter.sampleSize(isVideo: unit.isVideo)
            data += unit.payload.count
        }
        writer.beginFragment(size: head, sequence: sequence)
        var offset = head + FragmentWriter.dataHeaderSize
        for index in 0..<plan.count {
            let unit = plan.units[index]
            writer.beginTrack(unit.number, isVideo: unit.isVideo, base: unit.time, count: 1, dataOffset: offset)
            writer.putSample(
                isVideo: unit.isVideo, duration: unit.duration, size: unit.payload.count, flags: unit.flags,
                composition: unit.composition)
            offset += unit.payload.count
        }
        writer.beginData(size: data)
    }
}
