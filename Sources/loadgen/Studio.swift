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
        let target = try Target(options.publishURL ?? options.url)
        guard target.transport == .rtmp else { throw Failure("publishing needs an rtmp:// URL") }
        let address = try Address(host: target.host, port: target.port)
        let run = Stamp.newRun()
        var all: [Publisher] = []
        for index in 0..<options.streams {
            all.append(
                try Publisher(
                    index: index, of: options.streams, target: target, address: address, file: file, run: run,
                    poller: poller))
        }
        publishers = all
    }

    deinit { buffer.deallocate() }

    var isLive: Bool { publishers.allSatisfy { $0.isPublishing } }
    var failures: [String] { publishers.compactMap { $0.failure } }
    var worstDelay: UInt64 { publishers.map { $0.worstDelay }.max() ?? 0 }
    var pictures: UInt64 { publishers.reduce(0) { $0 + $1.sequence } }
    var bytesSent: UInt64 { publishers.reduce(0) { $0 + $1.bytesSent } }

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
