//! A viewer over RTMP, HTTP-FLV or WebSocket-FLV: a connection that asks for a stream and reads it.

import CSystem
@preconcurrency import Glibc

final class TCPViewer: Viewer {
    private let index: Int
    private let site: Site
    private let stream: Int
    private let streams: Int
    private let refuses: Bool
    private let isReturning: Bool
    private let tally: Tally
    private let poller: Poller

    private(set) var phase = ViewerPhase.connecting
    private let fd: Int32
    private var source: Source
    var sight: Sight
    private(set) var endedAt: UInt64?

    /// `gone` is who sat here before and was disconnected: its silence goes on until the first picture has come.
    init(
        index: Int, site: Site, stream: Int, of streams: Int, refuses: Bool, tally: Tally, poller: Poller,
        after gone: (any Viewer)? = nil
    ) throws(Failure) {
        self.index = index
        self.site = site
        self.stream = stream
        self.streams = streams
        self.refuses = refuses
        isReturning = gone != nil
        self.tally = tally
        self.poller = poller
        sight = Sight(from: now(), after: gone?.sight)
        let target = site.target
        source = Source(target, name: target.name(stream, of: streams) + target.query)
        fd = try site.address.connect()
        poller.add(fd, LOADGEN_READABLE | LOADGEN_WRITABLE, .viewer(index))
    }

    deinit { if phase != .closed { close(fd) } }

    func handle(_ events: UInt32, _ buffer: UnsafeMutableRawBufferPointer) {
        switch phase {
        case .connecting: connected(events)
        case .reading: receive(buffer)
        case .refusing: end("closed by the server while it was not read", isFault: false)
        case .closed: break
        }
    }

    private func connected(_ events: UInt32) {
        let error = loadgen_connection_error(fd)
        if error != 0 { return end("cannot connect: \(String(cString: strerror(-error)))") }
        guard events & LOADGEN_WRITABLE != 0 else { return }
        phase = .reading
        tally.connected += 1
        poller.change(fd, LOADGEN_READABLE, .viewer(index))
        var request: [UInt8] = []
        source.start(site.target, stream, streams, &request)
        send(request)
    }

    private func receive(_ buffer: UnsafeMutableRawBufferPointer) {
        let count = loadgen_receive(fd, buffer.baseAddress!, buffer.count)
        if count == -Int(EAGAIN) { return }
        if count <= 0 {
            return end(count == 0 ? "closed by the server" : String(cString: strerror(Int32(-count))))
        }
        let time = now()
        tally.counts.bytes += UInt64(count)
        var input = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        var replies: [UInt8] = []
        do throws(Failure) {
            while let message = try source.next(&input, &replies) { look(at: message, time) }
            if replies.count > 0 { send(replies) }
        } catch {
            end(error.description)
        }
    }

    /// Requests and replies are small, and the socket that takes them is empty; one that is not belongs to a
    /// server that reads nothing, and then an acknowledgement may as well be left out.
    private func send(_ bytes: [UInt8]) {
        let sent = bytes.withUnsafeBytes { loadgen_send(fd, $0.baseAddress!, $0.count) }
        if sent == -Int(EAGAIN) || sent == bytes.count { return }
        end(sent < 0 ? String(cString: strerror(Int32(-sent))) : "the server does not read its socket")
    }

    private func look(at message: Message, _ time: UInt64) {
        guard message.length > 0 else { return }
        if message.type == 8 || message.type == 9 || message.type == 18 { sight.media(at: time, tally) }
        if message.type == 22 { tally.counts.unmeasured += 1 }
        guard message.type == 9, let isKeyframe = TCPViewer.picture(message.prefix) else { return }
        let stamp = Stamp(videoBody: message.prefix)
        let isSeen = sight.picture(
            isKeyframe: isKeyframe, timestamp: message.timestamp, stamp: stamp, at: time, tally)
        if isSeen, refuses, phase == .reading {
            phase = .refusing
            poller.change(fd, LOADGEN_PEER_CLOSED, .viewer(index))
        }
    }

    /// Whether a video tag's body is a keyframe; nil when it is no coded picture at all. Enhanced RTMP keeps the
    /// frame type in three bits, and calls coded pictures 1 and 3.
    private static func picture(_ body: UnsafeRawBufferPointer) -> Bool? {
        guard body.count > 5 else { return nil }
        if body[0] & 0x80 != 0 {
            let kind = body[0] & 0x0f
            return kind == 1 || kind == 3 ? body[0] >> 4 & 7 == 1 : nil
        }
        if body[0] & 0x0f == 7, body[1] != 1 { return nil }
        return body[0] >> 4 == 1
    }

    var srtCounts: SRTCounts? { nil }

    func leave(byReset: Bool) {
        guard phase != .closed else { return }
        if byReset { loadgen_reset_on_close(fd) }
        phase = .closed
        close(fd)
    }

    private func end(_ reason: String, isFault: Bool = true) {
        guard phase != .closed else { return }
        phase = .closed
        endedAt = now()
        close(fd)
        tally.reasons[reason, default: 0] += 1
        // Who could not come back yet has been counted when it went.
        if isFault, sight.hasFirstFrame || !isReturning { tally.counts.disconnects += 1 }
    }
}
