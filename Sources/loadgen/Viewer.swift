//! One viewer: a connection that asks for a stream, reads it, and checks every picture's number and age.

import CSystem
@preconcurrency import Glibc

final class Viewer {
    /// A viewer that sees no picture for so long has stalled.
    static let stallLimit = 500 * nanosecondsPerMillisecond

    enum Phase {
        case connecting
        case reading
        /// Reads no more, on purpose; the connection stays.
        case refusing
        case closed
    }

    private let index: Int
    private let site: Site
    private let stream: Int
    private let streams: Int
    private let refuses: Bool
    private let isReturning: Bool
    private let tally: Tally
    private let poller: Poller

    private(set) var phase = Phase.connecting
    private let fd: Int32
    private let started = now()
    private var source: Source

    private var numbering = Numbering()
    private var silence = Silence()
    private var lastTimestamp: UInt32 = 0
    /// Pictures that this viewer never got.
    private(set) var lost: UInt64 = 0
    /// When the server let go of it.
    private(set) var endedAt: UInt64?
    private(set) var hasMedia = false
    private(set) var hasFirstFrame = false

    /// `gone` is who sat here before and was disconnected: its silence goes on until the first picture has come.
    init(
        index: Int, site: Site, stream: Int, of streams: Int, refuses: Bool, tally: Tally, poller: Poller,
        after gone: Viewer? = nil
    ) throws(Failure) {
        self.index = index
        self.site = site
        self.stream = stream
        self.streams = streams
        self.refuses = refuses
        isReturning = gone != nil
        self.tally = tally
        self.poller = poller
        if let gone {
            silence = gone.silence
            lost = gone.lost
        }
        let target = site.target
        source = Source(target, name: target.name(stream, of: streams) + target.query)
        fd = try site.address.connect()
        poller.add(fd, LOADGEN_READABLE | LOADGEN_WRITABLE, .viewer(index))
    }

    deinit { if phase != .closed { close(fd) } }

    var isPlaying: Bool { phase == .reading && hasFirstFrame }

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
        if !hasMedia, message.type == 8 || message.type == 9 || message.type == 18 {
            hasMedia = true
            tally.firstBytes.record(nanoseconds: time - started)
        }
        if message.type == 22 { tally.counts.unmeasured += 1 }
        guard message.type == 9, let isKeyframe = Viewer.picture(message.prefix) else { return }
        if !hasFirstFrame {
            guard isKeyframe else { return }
            hasFirstFrame = true
            tally.withFirstFrame += 1
            tally.firstFrame.record(nanoseconds: time - started)
        } else {
            let step = Int32(bitPattern: message.timestamp &- lastTimestamp)
            if step < 0 { tally.counts.backwards += 1 }
            if step == 0 { tally.counts.unmoved += 1 }
        }
        if silence.picture(at: time) > Viewer.stallLimit { tally.counts.stalls += 1 }
        lastTimestamp = message.timestamp
        tally.counts.pictures += 1
        check(Stamp(videoBody: message.prefix), time)
        if refuses, phase == .reading {
            phase = .refusing
            poller.change(fd, LOADGEN_PEER_CLOSED, .viewer(index))
        }
    }

    private func check(_ stamp: Stamp?, _ time: UInt64) {
        guard let stamp else {
            tally.counts.unstamped += 1
            return
        }
        if tally.isMeasuring { tally.latency.record(nanoseconds: time > stamp.clock ? time - stamp.clock : 0) }
        switch numbering.take(run: stamp.run, sequence: stamp.sequence) {
        case .next: break
        case .restarted: tally.counts.restarts += 1
        case .doubled: tally.counts.doubled += 1
        case .gap(let missing):
            tally.counts.gaps += 1
            tally.counts.lost += missing
            lost += missing
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

    /// Counts a stall that is still going on when the run ends.
    func finish(at time: UInt64) {
        guard isPlaying, silence.ongoing(at: time) > Viewer.stallLimit else { return }
        tally.counts.stalls += 1
    }

    func startMeasuring() { silence.startMeasuring() }

    /// The longest time without a picture, of the measured time and of the interval that ends now.
    func longest(until time: UInt64) -> UInt64 { silence.longest(until: lastSight(time)) }

    func nextInterval(at time: UInt64) -> UInt64 { silence.nextInterval(at: lastSight(time)) }

    /// Who has left, or reads no more, waits for no picture.
    private func lastSight(_ time: UInt64) -> UInt64 {
        phase == .refusing || phase == .closed && endedAt == nil ? silence.lastPicture ?? time : time
    }

    /// Leaves, on the viewer's own wish.
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
        if isFault, hasFirstFrame || !isReturning { tally.counts.disconnects += 1 }
    }
}
