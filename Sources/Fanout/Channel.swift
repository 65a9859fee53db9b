/// Data plane. One wire log of a stream, as its home loop keeps it: the writer, and a feed to each loop that reads it.
import EventLoop
import Media
import StreamLog

final class Channel {
    let kind: WireKind
    /// Of a log whose frames depend on those before them.
    let muxer: (any LogMuxer)?
    private var feeds: [LogFeed] = []
    private var published: UInt64 = 0
    var writer: LogWriter

    init(_ kind: WireKind, retention: LogWriter.Retention) {
        self.kind = kind
        muxer = kind.makeMuxer()
        writer = LogWriter(retention: retention)
    }

    var isRead: Bool { !feeds.isEmpty }

    /// Not only by other nodes, which are told of each frame at once.
    var isWatched: Bool { isRead && kind.format != .relay }

    /// The tracks whose frames readers start at. Pictures that the format cannot hold are nothing to start at.
    var joinTracks: WireKind.Tracks {
        guard kind.tracks == .all, muxer?.hasVideo == false else { return kind.tracks }
        return .audio
    }

    /// Where the frame lies; nil if it is nothing in this format. `startsHere`: readers are to start at it.
    @inline(never)
    func append(
        _ frame: MediaKind, _ mark: FrameMark, of source: WireEncoder.Source, body: UnsafeRawBufferPointer,
        startsHere: Bool
    ) -> UInt64? {
        if let muxer { return muxer.append(frame, mark, body, startsHere: startsHere, to: &writer) }
        let timestamp = UInt32(truncatingIfNeeded: mark.timestamp)
        var mark = mark
        mark.size = UInt32(WireEncoder.size(kind.format, bodyCount: body.count, timestamp: timestamp))
        return writer.append(mark) {
            WireEncoder.encode(kind.format, frame, mark, of: source, body: body, into: $0)
        }
    }

    /// Tells the reading loops where the head is.
    func publish(from loop: Loop) {
        guard writer.head != published else { return }
        published = writer.head
        let update = writer.takeUpdate()
        var index = 0
        while index < feeds.count {
            feeds[index].publish(update, from: loop)
            index += 1
        }
    }

    /// A new reader learns of everything that is retained; those who read already stay in step.
    func subscribe(_ feed: LogFeed, from loop: Loop) {
        publish(from: loop)
        _ = writer.takeUpdate()
        feeds.append(feed)
        feed.publish(writer.wholeUpdate, from: loop)
    }

    func unsubscribe(_ feed: LogFeed) { feeds.removeAll { $0 === feed } }

    func end(_ reason: ViewerEnd) {
        for feed in feeds { feed.end(reason) }
    }
}
