import Media

/// Collects the samples of many frames into one fragment: a part or a segment of HLS.
///
/// What a fragment is depends on the frames in it, on the tracks' configurations and on what the caller passes, and on
/// nothing before `beginSegment()`: every node that cuts a stream at the same frames writes the same bytes.
///
/// Bodies are not kept, only where the caller has them. Arrays keep their capacity from one fragment to the next.
public struct FragmentBuilder: Sendable {
    public struct Settings: Sendable, Equatable {
        /// A `prft` box before fragments whose first leading sample has an origin time.
        public var hasProducerTime = true

        public init() {}
    }

    public enum Outcome: Sendable, Equatable {
        /// Samples of the body are in the fragment now.
        case added
        /// The body has nothing for the chosen tracks, only says how to decode, or makes no sense.
        case nothing
        /// The fragment has as much as one may have: it is to be written first.
        case full
    }

    /// The tracks and their initialisation segment.
    public private(set) var movie: Movie
    public let settings: Settings
    /// Milliseconds of the first and of the newest frame of the leading kind: video, or audio where there is none.
    public private(set) var firstTimestamp: Int64?
    public private(set) var lastTimestamp: Int64?
    public private(set) var count = 0

    private var runs: [FragmentRun] = []
    private var payloadBytes = 0
    private var origin: Int64?

    public init(selection: Movie.Selection = .all, settings: Settings = Settings()) {
        movie = Movie(selection: selection)
        self.settings = settings
    }

    public var isEmpty: Bool { count == 0 }
    public var unwritableFrames: UInt64 { movie.unwritableFrames }

    /// Another publish session follows. What is in the fragment stays.
    public mutating func beginSession() { movie.beginSession() }

    /// What was said before the first frame.
    public mutating func learn(_ kind: MediaKind, body: Span<UInt8>) { movie.learn(kind, body: body) }

    /// The frames that follow belong to a new segment: their times owe nothing to those before.
    public mutating func beginSegment() {
        for index in movie.known.indices { movie.known[index].clock.begin() }
    }

    // MARK: Adding

    /// Takes a message's samples into the fragment. `timestamp` is in milliseconds of stream time, `origin` the
    /// microseconds of Unix time at which the frame came in; `reference` comes back when the payload is asked for.
    public mutating func add(
        _ kind: MediaKind, timestamp: Int64, origin: Int64? = nil, body: Span<UInt8>, reference: UInt64
    ) -> Outcome {
        guard count + MP4Limits.tracksOfMessage <= MP4Limits.samplesOfFragment,
            payloadBytes + body.count <= MP4Limits.bytesOfFragment
        else { return .full }
        let samples = movie.samples(kind, body)
        guard samples.count > 0, movie.isComplete else { return .nothing }
        guard timestamp.magnitude <= MP4Limits.timestamp else {
            movie.unwritableFrames += 1
            return .nothing
        }
        for index in 0..<samples.count { add(samples[index], timestamp, reference) }
        if (kind == .video) == movie.hasVideo { lead(timestamp, origin) }
        return .added
    }

    private mutating func lead(_ timestamp: Int64, _ origin: Int64?) {
        if firstTimestamp == nil {
            firstTimestamp = timestamp
            self.origin = settings.hasProducerTime ? origin : nil
        }
        lastTimestamp = timestamp
    }

    private mutating func add(_ sample: Sample, _ timestamp: Int64, _ reference: UInt64) {
        let run = run(of: movie.known[sample.track])
        var item = FragmentRun.Item(
            reference: reference, payload: sample.payload, time: 0, duration: sample.duration, composition: 0,
            flags: sample.flags)
        if runs[run].isVideo {
            item.time = movie.known[sample.track].clock.placeVideo(timestamp, bridging: false)
            item.composition = (timestamp + sample.composition) * MP4Limits.videoTick - item.time
            runs[run].interval = movie.known[sample.track].clock.interval
        } else {
            item.time = movie.known[sample.track].clock.placeAudio(
                timestamp, rate: runs[run].timescale, samples: sample.duration)
        }
        runs[run].items.append(item)
        runs[run].bytes += sample.payload.count
        payloadBytes += sample.payload.count
        count += 1
    }

    /// The track's run, made in the order of numbers.
    private mutating func run(of track: MovieTrack) -> Int {
        for index in runs.indices where runs[index].number == track.number {
            let timescale = Int64(track.timescale)
            if runs[index].timescale == timescale { return index }
        }
        let run = FragmentRun(number: track.number, isVideo: track.kind == .video, timescale: Int64(track.timescale))
        let place = runs.firstIndex { $0.number > track.number } ?? runs.count
        runs.insert(run, at: place)
        return place
    }

    // MARK: Measures

    /// Bytes that `write` takes; 0 when there is nothing to write.
    public var size: Int {
        isEmpty ? 0 : producerTimeSize + headSize + FragmentWriter.dataHeaderSize + payloadBytes
    }

    private var producerTimeSize: Int { origin == nil ? 0 : FragmentWriter.producerTimeSize }

    private var headSize: Int {
        var size = FragmentWriter.headSize
        for run in runs where !run.items.isEmpty {
            size += FragmentWriter.trackSize + run.items.count * FragmentWriter.sampleSize(isVideo: run.isVideo)
        }
        return size
    }

    /// Microseconds that the fragment's leading track lasts. `nextVideo` is the timestamp of the picture after the last,
    /// in milliseconds; without it the last picture is taken to last as long as the one before.
    public func duration(nextVideo: Int64? = nil) -> Int64 {
        let leading = runs.first { !$0.items.isEmpty && $0.isVideo } ?? runs.first { !$0.items.isEmpty }
        guard let leading, let first = leading.items.first, let last = leading.items.last else { return 0 }
        let ticks = last.time + leading.duration(leading.items.count - 1, end: end(nextVideo)) - first.time
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: leading.timescale)
        return seconds * 1_000_000 + rest * 1_000_000 / leading.timescale
    }

    private func end(_ nextVideo: Int64?) -> Int64? {
        guard let nextVideo, nextVideo.magnitude <= MP4Limits.timestamp else { return nil }
        return nextVideo * MP4Limits.videoTick
    }

    // MARK: Writing

    /// Writes the fragment and begins the next. `sequence` is that of the movie fragment header; `nextVideo` as in
    /// `duration`; `copy` is handed a reference, the range of the payload in its body, and where to put it.
    ///
    /// Safety: `target` has at least `size` bytes; `copy` fills what it is handed.
    public mutating func write(
        sequence: UInt32, nextVideo: Int64? = nil, into target: UnsafeMutableRawBufferPointer,
        copy: (UInt64, Range<Int>, UnsafeMutableRawBufferPointer) -> Void
    ) {
        guard count > 0 else { return }
        let size = size
        precondition(target.count >= size)
        var writer = FragmentWriter(target)
        putProducerTime(&writer)
        putHead(sequence, end(nextVideo), &writer)
        for run in runs.indices {
            for item in runs[run].items { copy(item.reference, item.payload, writer.take(item.payload.count)) }
        }
        precondition(writer.offset == size, "a fragment is as large as was said")
        removeAll()
    }

    private func putProducerTime(_ writer: inout FragmentWriter) {
        let isVideo = movie.hasVideo
        guard let origin else { return }
        let leading = runs.first { !$0.items.isEmpty && $0.isVideo == isVideo } ?? runs.first { !$0.items.isEmpty }
        guard let leading, let first = leading.items.first else { return }
        writer.putProducerTime(
            track: leading.number, ntp: ProducerTime.ntp(unixMicroseconds: origin), media: first.time)
    }

    private func putHead(_ sequence: UInt32, _ end: Int64?, _ writer: inout FragmentWriter) {
        let head = headSize
        writer.beginFragment(size: head, sequence: sequence)
        var offset = head + FragmentWriter.dataHeaderSize
        for run in runs where !run.items.isEmpty {
            writer.beginTrack(
                run.number, isVideo: run.isVideo, base: run.items[0].time, count: run.items.count, dataOffset: offset)
            for (index, item) in run.items.enumerated() {
                writer.putSample(
                    isVideo: run.isVideo, duration: run.duration(index, end: end), size: item.payload.count,
                    flags: item.flags, composition: item.composition)
            }
            offset += run.bytes
        }
        writer.beginData(size: payloadBytes)
    }

    /// Forgets what is in the fragment.
    public mutating func removeAll() {
        if runs.count > MP4Limits.tracks { runs.removeAll() }
        for index in runs.indices {
            runs[index].items.removeAll(keepingCapacity: true)
            runs[index].bytes = 0
        }
        count = 0
        payloadBytes = 0
        origin = nil
        firstTimestamp = nil
        lastTimestamp = nil
    }
}
