//! A viewer of HLS: one keep-alive connection on which it asks for playlists and for what they name, one at a time.

import CSystem
@preconcurrency import Glibc

/// What a viewer of HLS goes by.
enum HLSCourse: String {
    /// Whole segments; the playlist again after each target duration.
    case segments
    /// Low latency: asks for the part that the playlist announces, and waits for it.
    case parts
    /// Low latency: asks for the playlist with the next part in it, and waits for that.
    case playlists
}

final class HLSViewer {
    /// What it has asked for.
    private enum Question {
        case index
        case playlist
        case segment(number: Int)
        case part(PartPlace)
        /// With a part in it that is not there yet.
        case nextPlaylist
    }

    private enum State {
        case connecting
        /// The next question is to be asked.
        case ready
        case waiting(since: UInt64)
        case resting(until: UInt64)
        case over
    }

    private let index: Int
    private let address: Address
    private let host: String
    private let course: HLSCourse
    private let poller: Poller
    private let tally: HLSTally

    private var fd: Int32 = -1
    private var state = State.connecting
    private var question: Question
    /// The path of what is asked for, and of the directory that names are relative to.
    private var path: String
    private var directory: Substring
    private var playlistPath = ""
    private var scanner = AnswerScanner()
    private var body: [UInt8] = []
    private var isGathering = true
    /// Segments below this number have been fetched.
    private var nextNumber = 0
    private var target = 1.0
    /// Behind the playlist in which it was listed.
    private var pending: [(number: Int, uri: String)] = []

    /// After an answer that was a failure.
    private static let pause = 200 * nanosecondsPerMillisecond

    init(
        _ index: Int, _ address: Address, host: String, path: String, _ course: HLSCourse, _ tally: HLSTally,
        _ poller: Poller
    ) throws(Failure) {
        self.index = index
        self.address = address
        self.host = host
        self.path = path
        self.course = course
        self.tally = tally
        self.poller = poller
        directory = path[...path.lastIndex(of: "/")!]
        question = .index
        try connect()
    }

    deinit { if fd >= 0 { close(fd) } }

    /// Whether its rest is over just now, so that it has something to ask.
    func wakes(at time: UInt64) -> Bool {
        guard case .resting(let until) = state, until <= time else { return false }
        state = .ready
        return true
    }

    // MARK: Connecting

    private func connect() throws(Failure) {
        fd = try address.connect()
        loadgen_stamp_arrivals(fd)
        state = .connecting
        scanner = AnswerScanner()
        body.removeAll(keepingCapacity: true)
        poller.add(fd, LOADGEN_READABLE | LOADGEN_WRITABLE, .viewer(index))
    }

    /// The connection is over: another takes its place, and the question is asked again.
    private func reconnect(_ reason: String?) {
        close(fd)
        fd = -1
        if let reason { tally.fail(reason) }
        tally.reconnects += 1
        do { try connect() } catch { give(up: error.description) }
    }

    private func give(up reason: String) {
        tally.fail(reason)
        state = .over
    }

    // MARK: Asking

    func ask(_ time: UInt64) {
        guard case .ready = state else { return }
        let request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: sluice-loadgen\r\n\r\n"
        let bytes = Array(request.utf8)
        let sent = bytes.withUnsafeBytes { loadgen_send(fd, $0.baseAddress!, $0.count) }
        state = .waiting(since: time)
        if sent != bytes.count { reconnect("a request could not be sent") }
    }

    private func want(_ question: Question, _ uri: String, after rest: UInt64? = nil) {
        self.question = question
        path = uri.hasPrefix("/") ? uri : directory + uri
        if case .playlist = question { playlistPath = path }
        state = rest.map { .resting(until: $0) } ?? .ready
        isGathering =
            switch question {
            case .index, .playlist, .nextPlaylist: true
            case .segment: false
            case .part(let place): !tally.parts.isKnown(place)
            }
    }

    // MARK: Hearing

    /// Says whether it has something to ask now.
    func handle(_ events: UInt32, _ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        switch state {
        case .connecting: connected(events)
        case .over: break
        case .ready, .resting, .waiting: receive(buffer)
        }
        if case .ready = state { return true }
        return false
    }

    private func connected(_ events: UInt32) {
        let error = loadgen_connection_error(fd)
        guard error == 0 else {
            close(fd)
            fd = -1
            return give(up: "cannot connect: \(String(cString: strerror(-error)))")
        }
        guard events & LOADGEN_WRITABLE != 0 else { return }
        poller.change(fd, LOADGEN_READABLE, .viewer(index))
        state = .ready
    }

    private func receive(_ buffer: UnsafeMutableRawBufferPointer) {
        var time: UInt64 = 0
        let count = loadgen_receive_stamped(fd, buffer.baseAddress!, buffer.count, &time)
        if count == -Int(EAGAIN) { return }
        guard count > 0 else {
            if case .waiting = state { return reconnect("closed by the server before the answer") }
            return reconnect(nil)
        }
        tally.bytes += UInt64(count)
        var input = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        do throws(Failure) {
            let head = try scanner.next(&input) { piece in if isGathering { body += piece } }
            guard let head else { return }
            guard case .waiting(let since) = state else { return reconnect("an answer that nobody asked for") }
            if time < since { tally.misdated += 1 }
            answered(head, asked: since, at: max(since, time))
            body.removeAll(keepingCapacity: true)
            if head.isLast { reconnect(nil) }
        } catch {
            reconnect(error.description)
        }
    }

    private func answered(_ head: AnswerScanner.Head, asked: UInt64, at time: UInt64) {
        guard head.status == 200 else { return refused(head.status, time) }
        switch question {
        case .index:
            guard let uri = tally.read(body).lastURI else { return give(up: "a playlist without a URI") }
            if tally.read(body).target > 0 { return listed(time) }
            want(.playlist, uri)
        case .playlist:
            tally.playlist(time - asked)
            listed(time)
        case .nextPlaylist: listed(time, asked: asked)
        case .segment(let number):
            nextNumber = number + 1
            tally.segment(time - asked)
            next(time)
        case .part(let place):
            if isGathering { body.withUnsafeBytes { tally.parts.learn(place, $0) } }
            if course == .parts { tally.parts.answered(place, asked: asked, at: time) }
            tally.partsFetched += 1
            if course == .parts { want(.playlist, playlistPath) } else { awaitPlaylist(behind: place) }
        }
    }

    /// The part that was announced never came, as its segment was whole before; anything else is a failure.
    private func refused(_ status: Int, _ time: UInt64) {
        if status == 404, case .part = question {
            tally.hintsMissed += 1
            return want(.playlist, playlistPath)
        }
        tally.fail("an answer of \(status)")
        want(
            playlistPath.isEmpty ? .index : .playlist, playlistPath.isEmpty ? path : playlistPath,
            after: time + HLSViewer.pause)
    }

    /// `asked`: when, if it was waited for.
    private func listed(_ time: UInt64, asked: UInt64? = nil) {
        if playlistPath.isEmpty { playlistPath = path }
        let playlist = tally.read(body)
        guard playlist.target > 0, !playlist.isEnded else { return give(up: "the stream has ended") }
        target = playlist.target
        switch course {
        case .segments: listedSegments(playlist, time)
        case .parts:
            guard let hint = playlist.hint, let place = PartPlace(hint) else {
                return give(up: "the playlist announces no part: is it low latency?")
            }
            want(.part(place), hint)
        case .playlists:
            guard let newest = playlist.newestPart, let place = PartPlace(newest) else {
                return give(up: "the playlist lists no part: is it low latency?")
            }
            if let asked {
                tally.parts.answered(place, asked: asked, at: time)
                tally.playlists += 1
            }
            want(.part(place), newest)
        }
    }

    /// RFC 8216bis §6.2.5.2. A part behind the last of a segment stands for the first of the next.
    private func awaitPlaylist(behind place: PartPlace) {
        let next = PartPlace(number: place.number, index: place.index + 1)
        let mark = playlistPath.contains("?") ? "&" : "?"
        want(
            .nextPlaylist,
            "\(playlistPath)\(mark)_HLS_msn=\(next.number)&_HLS_part=\(next.index)&_HLS_skip=YES")
    }

    private func listedSegments(_ playlist: LivePlaylist, _ time: UInt64) {
        // A newcomer begins with the newest.
        if nextNumber == 0 { nextNumber = playlist.openNumber - 1 }
        pending = []
        for (offset, uri) in playlist.segments.enumerated() where playlist.firstListed + offset >= nextNumber {
            pending.append((playlist.firstListed + offset, uri))
        }
        // RFC 8216bis §6.3.4: a playlist that has not changed is asked for again after half the time.
        due = time + nanoseconds(pending.isEmpty ? target / 2 : target)
        next(time)
    }

    /// When the playlist is asked for again.
    private var due: UInt64 = 0

    private func next(_ time: UInt64) {
        guard let first = pending.first else { return want(.playlist, playlistPath, after: max(due, time)) }
        pending.removeFirst()
        want(.segment(number: first.number), first.uri)
    }
}
