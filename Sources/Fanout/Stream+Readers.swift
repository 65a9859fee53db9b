/// Readers of a stream's logs: which logs are kept, and since when.
import EventLoop
import FLV
import Media
import StreamLog

extension Stream {
    func subscribe(_ kind: WireKind, _ feed: LogFeed) {
        let index = channels.firstIndex { $0.kind == kind } ?? makeChannel(kind)
        channels[index].subscribe(feed, from: loop)
    }

    /// A log that nobody has read until now starts with what the frame log holds: from its newest keyframe on for
    /// viewers, all of it for other nodes, which ask for frames by their numbers.
    private func makeChannel(_ kind: WireKind) -> Int {
        let channel = Channel(kind, retention: settings.retention)
        guard let margins = channels[0].kind.bodyMargins else { preconditionFailure("no frame log") }
        let frames = channels[0].writer
        let start = kind.format == .relay ? frames.tail : frames.joinPoint?.offset ?? frames.head
        if let muxer = channel.muxer { tell(muxer, kind.tracks) }
        var lastAudioJoin = Int64.min
        var session: UInt64?
        frames.forEachFrame(from: start) { mark, bytes in
            let media: MediaKind =
                mark.flags.contains(.video) ? .video : mark.flags.contains(.audio) ? .audio : .script
            guard kind.tracks.contains(media), !mark.flags.contains(.data) || kind.holdsData else { return }
            let body = UnsafeRawBufferPointer(rebasing: bytes[margins.before..<(bytes.count - margins.after)])
            let source = source(of: mark)
            if let session, session != source.epoch { channel.muxer?.beginSession() }
            session = source.epoch
            let audioOnly = channel.joinTracks == .audio || !hasVideo
            let startsHere =
                mark.flags.contains(.keyframe)
                || (audioOnly && media == .audio && !mark.flags.contains(.configuration)
                    && (lastAudioJoin == .min || mark.timestamp - lastAudioJoin > Stream.audioJoinInterval))
            let offset = channel.append(media, mark, of: source, body: body, startsHere: startsHere)
            guard startsHere, let offset else { return }
            lastAudioJoin = mark.timestamp
            channel.writer.setJoinPoint(joinPoint(channel, offset, mark, source))
        }
        channels.append(channel)
        return channels.count - 1
    }

    /// What was known where the log starts, which may be of a session before the present one: the prologue of the frame
    /// log's join point says it.
    private func tell(_ muxer: any LogMuxer, _ tracks: WireKind.Tracks) {
        guard let point = channels[0].writer.joinPoint else {
            for (kind, body) in configurations.bodies where tracks.contains(kind) { muxer.learn(kind, body) }
            return
        }
        for (kind, body) in Prologue.bodies(point.prologue, channels[0].kind.format) where tracks.contains(kind) {
            muxer.learn(kind, body)
        }
    }

    /// Of two logs that hold every body one is enough: the one that is read becomes the frame log, once it reaches back
    /// as far, and the other goes. A stream that is only relayed is written to memory once.
    func settleFrameLog() {
        guard channels.count > 1, !channels[0].isRead, let oldest = channels[0].writer.oldestMark else { return }
        let reach = oldest.timestamp + settings.retention.milliseconds / Stream.shortfall
        let index = channels.firstIndex { channel in
            guard channel.isRead, channel.kind.bodyMargins != nil, !hasData || channel.kind.holdsData else {
                return false
            }
            return channel.writer.oldestMark.map { $0.timestamp <= reach } ?? false
        }
        guard let index else { return }
        channels[0] = channels.remove(at: index)
    }

    /// The stream has data, from now on: the frame log is one that has a place for it. What viewers of FLV read is a log
    /// of its own then.
    func keepData() {
        guard !hasData else { return }
        hasData = true
        guard !channels[0].kind.holdsData else { return }
        let index = channels.firstIndex { $0.kind == .relay } ?? makeChannel(.relay)
        let frames = channels.remove(at: index)
        channels.insert(frames, at: 0)
        if !channels[1].isRead { channels.remove(at: 1) }
    }

    /// The share of the retention by which the log that stays may fall short of the one that goes: one in so many.
    private static let shortfall: Int64 = 10

    func unsubscribe(_ kind: WireKind, _ feed: LogFeed, bytesOut: UInt64) {
        retire(bytesOut)
        guard let index = channels.firstIndex(where: { $0.kind == kind }) else { return }
        channels[index].unsubscribe(feed)
        if index > 0 && !channels[index].isRead { channels.remove(at: index) }
    }

    /// Whether anybody watches or relays it.
    public var isRead: Bool { packaging != nil || channels.contains(where: \.isRead) }
}
