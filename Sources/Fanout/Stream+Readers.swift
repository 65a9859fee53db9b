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
        var channel = Channel(kind, retention: settings.retention)
        let frames = channels[0].writer
        let start = kind.format == .relay ? frames.tail : frames.joinPoint?.offset ?? frames.head
        var lastAudioJoin = Int64.min
        frames.forEachFrame(from: start) { position, mark, bytes in
            let media: MediaKind =
                mark.flags.contains(.video) ? .video : mark.flags.contains(.audio) ? .audio : .script
            guard kind.tracks.contains(media) else { return }
            let body = UnsafeRawBufferPointer(
                rebasing: bytes[FLVTag.headerSize..<(bytes.count - FLVTag.trailerSize)])
            let source = source(at: position)
            let offset = channel.append(media, mark, of: source, body: body)
            let audioOnly = kind.tracks == .audio || !hasVideo
            if mark.flags.contains(.keyframe)
                || (audioOnly && media == .audio && !mark.flags.contains(.configuration)
                    && (lastAudioJoin == .min || mark.timestamp - lastAudioJoin > Stream.audioJoinInterval))
            {
                lastAudioJoin = mark.timestamp
                channel.writer.setJoinPoint(joinPoint(kind, offset, mark, source))
            }
        }
        channels.append(channel)
        return channels.count - 1
    }

    func unsubscribe(_ kind: WireKind, _ feed: LogFeed, bytesOut: UInt64) {
        retire(bytesOut)
        guard let index = channels.firstIndex(where: { $0.kind == kind }) else { return }
        channels[index].unsubscribe(feed)
        if index > 0 && !channels[index].isRead { channels.remove(at: index) }
    }

    /// Whether anybody watches or relays it.
    public var isRead: Bool { channels.contains(where: \.isRead) }
}
