//! All publishers of a run.

final class Studio {
    /// With many publishers their tags are sent in steps of this, so that looking for the next one stays cheap.
    private static let step = nanosecondsPerMillisecond
    private static let fewPublishers = 16

    let publishers: [Publisher]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private var nextLook: UInt64 = 0

    init(_ options: Options, poller: Poller) throws(Failure) {
        guard let path = options.file else { throw Failure("publishing needs --file FILE.flv") }
        let file = try FLVFile(path: path)
        let sites = try Site.all(options.publishURLs.isEmpty ? options.urls : options.publishURLs)
        guard sites.allSatisfy({ $0.target.transport == .rtmp }) else {
            throw Failure("publishing needs an rtmp:// URL")
        }
        let run = Stamp.newRun()
        var all: [Publisher] = []
        for index in 0..<options.streams {
            all.append(
                try Publisher(
                    index: index, of: options.streams, sites: sites, reconnect: options.reconnect, file: file, run: run,
                    poller: poller))
        }
        publishers = all
    }

    deinit { buffer.deallocate() }

    var isLive: Bool { publishers.allSatisfy { $0.isPublishing } }
    var failures: [String] { publishers.compactMap { $0.failure } }
    var worstDelay: UInt64 { publishers.map { $0.worstDelay }.max() ?? 0 }
    var publishing: Int { publishers.reduce(0) { $0 + ($1.isPublishing ? 1 : 0) } }
    var reconnects: Int { publishers.reduce(0) { $0 + $1.reconnects } }
    /// Why a publisher that connects again was disconnected.
    var lastReason: String? { publishers.lazy.compactMap { $0.lastReason }.first }
    var pictures: UInt64 { publishers.reduce(0) { $0 + $1.sequence } }
    var bytesSent: UInt64 { publishers.reduce(0) { $0 + $1.bytesSent } }

    /// How late, at worst, a tag was handed to a socket since the last call.
    func takeWorstDelay() -> UInt64 { publishers.map { $0.takeWorstDelay() }.max() ?? 0 }

    /// The longest time that an encoder sent no picture, of the interval that ends now.
    func nextInterval(at time: UInt64) -> UInt64 { publishers.map { $0.nextInterval(at: time) }.max() ?? 0 }

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
