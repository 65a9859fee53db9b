//! All publishers of a run.

final class Studio {
    /// With many publishers their tags are sent in steps of this, so that looking for the next one stays cheap.
    private static let step = nanosecondsPerMillisecond
    private static let fewPublishers = 16

    let publishers: [any Publisher]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private var nextLook: UInt64 = 0

    init(_ options: Options, poller: Poller) throws(Failure) {
        guard let path = options.file else { throw Failure("publishing needs --file FILE.flv") }
        let file = try FLVFile(path: path)
        let sites = try Site.all(options.publishURLs.isEmpty ? options.urls : options.publishURLs)
        let transport = sites[0].target.transport
        guard transport == .rtmp || transport == .srt, sites.allSatisfy({ $0.target.transport == transport }) else {
            throw Failure("publishing needs rtmp:// URLs, or srt:// URLs")
        }
        let run = Stamp.newRun()
        var all: [any Publisher] = []
        for index in 0..<options.streams {
            if transport == .srt {
                all.append(
                    try SRTPublisher(index: index, sites: sites, file: file, run: run, options, poller: poller))
            } else {
                all.append(
                    try RTMPPublisher(
                        index: index, of: options.streams, sites: sites, reconnect: options.reconnect, file: file,
                        run: run, poller: poller))
            }
        }
        publishers = all
    }

    deinit { buffer.deallocate() }

    var isLive: Bool { publishers.allSatisfy { $0.isPublishing } }
    var failures: [String] { publishers.compactMap { $0.failure } }
    var worstDelay: UInt64 { publishers.map { $0.pace.worstDelay }.max() ?? 0 }
    var publishing: Int { publishers.reduce(0) { $0 + ($1.isPublishing ? 1 : 0) } }
    var reconnects: Int { publishers.reduce(0) { $0 + $1.reconnects } }
    /// Why a publisher that connects again was disconnected.
    var lastReason: String? { publishers.lazy.compactMap { $0.lastReason }.first }
    var pictures: UInt64 { publishers.reduce(0) { $0 + $1.pace.pictures } }
    var bytesSent: UInt64 { publishers.reduce(0) { $0 + $1.bytesSent } }

    /// What the transport counted, over all publishers; nil where it counts nothing.
    var srtCounts: SRTCounts? {
        let all = publishers.compactMap { $0.srtCounts }
        return all.isEmpty ? nil : all.reduce(into: SRTCounts()) { $0 += $1 }
    }
    var negotiated: UInt64 { publishers.map { $0.negotiated }.max() ?? 0 }

    /// How late, at worst, a tag was handed to a socket since the last call.
    func takeWorstDelay() -> UInt64 { publishers.map { $0.pace.takeWorstDelay() }.max() ?? 0 }

    /// The longest time that an encoder sent no picture, of the interval that ends now.
    func nextInterval(at time: UInt64) -> UInt64 { publishers.map { $0.pace.nextInterval(at: time) }.max() ?? 0 }

    func handle(_ index: Int, _ events: UInt32) {
        publishers[index].handle(events, buffer)
        nextLook = 0
    }

    /// Publishes what is due and says when to come again.
    func run(at time: UInt64) -> UInt64 {
        guard time >= nextLook else { return nextLook }
        nextLook = UInt64.max
        for publisher in publishers {
            publisher.publish(at: time)
            nextLook = min(nextLook, publisher.due)
        }
        if publishers.count > Studio.fewPublishers { nextLook = max(nextLook, time + Studio.step) }
        return nextLook
    }
}
