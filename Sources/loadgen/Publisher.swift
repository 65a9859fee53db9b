//! One RTMP publisher: plays the file in a loop, in real time, under one unbroken timeline. With `reconnect` it goes on
//! after a disconnection as an encoder would: at the next site, from the next keyframe, with timestamps from zero.

import CSystem
@preconcurrency import Glibc

final class Publisher {
    /// Bytes that may wait for a server that reads too slowly, before the publisher gives up.
    private static let backlogLimit = 32 << 20
    private static let chunkSize = 65_536

    private enum Phase {
        case connecting
        case conversing
        case publishing
        /// Connects to the next site when the time has come.
        case pausing(until: UInt64)
        case closed(String)
    }

    private let index: Int
    private let streams: Int
    private let sites: [Site]
    private var site: Int
    private let reconnect: Double?
    private let file: FLVFile
    private let run: UInt32
    private let poller: Poller

    private var phase = Phase.connecting
    private var fd: Int32 = -1
    private var link = RTMPLink(role: .client)
    private var outbox = Outbox()
    private var wantsWritable = true
    private var messageStream: UInt32 = 1

    private var scratch: [UInt8] = []
    private var begin: UInt64 = 0
    private var loops: UInt32 = 0
    private var position = 0
    /// The file's time that is zero on the wire.
    private var origin: UInt64 = 0

    private(set) var reconnects = 0
    private(set) var lastReason: String?
    private var delay: UInt64 = 0
    private var silence = Silence()
    /// Pictures published.
    private(set) var sequence: UInt64 = 0
    private(set) var bytesSent: UInt64 = 0
    /// How late, at worst, a tag was handed to the socket.
    private(set) var worstDelay: UInt64 = 0
    /// When the next tag is due; far away while there is nothing to publish.
    private(set) var due = UInt64.max

    init(
        index: Int, of count: Int, sites: [Site], reconnect: Double?, file: FLVFile, run: UInt32, poller: Poller
    ) throws(Failure) {
        self.index = index
        streams = count
        self.sites = sites
        self.reconnect = reconnect
        self.file = file
        self.run = run
        self.poller = poller
        site = index % sites.count
        try connect()
    }

    private var target: Target { sites[site].target }
    private var name: String { target.name(index, of: streams) + target.query }

    private func connect() throws(Failure) {
        var greeting: [UInt8] = []
        ChunkWriter.append(control: 1, UInt32(Publisher.chunkSize), to: &greeting)
        let properties: [(String, AMFValue)] = [
            ("app", .string(target.app)), ("type", .string("nonprivate")),
            ("flashVer", .string("FMLE/3.0 (compatible; sluice-loadgen)")), ("tcUrl", .string(target.rtmpAddress)),
        ]
        ChunkWriter.append(
            [.string("connect"), .number(1), .object(properties)], chunkSize: Publisher.chunkSize, to: &greeting)
        link = RTMPLink(role: .client, greeting: greeting)
        outbox = Outbox()
        wantsWritable = true
        messageStream = 1
        due = UInt64.max
        phase = .connecting
        fd = try sites[site].address.connect()
        poller.add(fd, LOADGEN_READABLE | LOADGEN_WRITABLE, .publisher(index))
    }

    deinit { if isConnected { close(fd) } }

    private var isConnected: Bool {
        switch phase {
        case .connecting, .conversing, .publishing: true
        case .pausing, .closed: false
        }
    }

    /// Why the publisher is no more.
    var failure: String? {
        if case .closed(let reason) = phase { return "stream \(name): \(reason)" }
        return nil
    }

    var isPublishing: Bool {
        if case .publishing = phase { return true }
        return false
    }

    func handle(_ events: UInt32, _ buffer: UnsafeMutableRawBufferPointer) {
        guard isConnected else { return }
        if case .connecting = phase {
            let error = loadgen_connection_error(fd)
            if error != 0 { return end("cannot connect: \(String(cString: strerror(-error)))") }
            guard events & LOADGEN_WRITABLE != 0 else { return }
            phase = .conversing
            outbox.fill { link.start(&$0) }
        }
        if events & (LOADGEN_READABLE | LOADGEN_BROKEN) != 0 { receive(buffer) }
        flush()
    }

    private func receive(_ buffer: UnsafeMutableRawBufferPointer) {
        let count = loadgen_receive(fd, buffer.baseAddress!, buffer.count)
        if count == -Int(EAGAIN) { return }
        if count <= 0 {
            return end(count == 0 ? "the server closed the connection" : String(cString: strerror(Int32(-count))))
        }
        var input = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        do throws(Failure) {
            var replies: [UInt8] = []
            while let message = try link.next(&input, &replies) {
                if message.type == 20 { try obey(Command(message.prefix), &replies) }
            }
            outbox.fill { $0 += replies }
        } catch {
            end(error.description)
        }
    }

    private func obey(_ answer: Command, _ out: inout [UInt8]) throws(Failure) {
        func send(_ values: [AMFValue], on stream: UInt32 = 0) {
            ChunkWriter.append(values, messageStream: stream, chunkSize: Publisher.chunkSize, to: &out)
        }
        switch (answer.name, answer.transaction) {
        case ("_result", 1):
            send([.string("releaseStream"), .number(2), .null, .string(name)])
            send([.string("FCPublish"), .number(3), .null, .string(name)])
            send([.string("createStream"), .number(4), .null])
        case ("_result", 4):
            messageStream = UInt32(exactly: answer.number ?? 1) ?? 1
            send([.string("publish"), .number(5), .null, .string(name), .string("live")], on: messageStream)
        case ("_error", 1), ("_error", 4), ("_error", 5): throw Failure("refused: \(answer.code)")
        case ("onStatus", _):
            if answer.isError { throw Failure("refused: \(answer.code)") }
            if answer.code == "NetStream.Publish.Start" { begin(&out) }
        default: break
        }
    }

    /// Sends what comes before the first picture. Streams start apart from each other, so that they do not all
    /// send their pictures in the same millisecond.
    private func begin(_ out: inout [UInt8]) {
        guard !isPublishing else { return }
        phase = .publishing
        if begin == 0 {
            begin = now() + UInt64(index % 97) * 10_309_278
            due = begin
        } else {
            seek(now())
        }
        for tag in file.opening { append(tag, time: 0, stamp: nil, &out) }
    }

    /// Moves on to the first keyframe that is due after `time`: what was due meanwhile is nobody's.
    private func seek(_ time: UInt64) {
        while dueTime < time || !file.media[position].isKeyframe { step() }
        due = dueTime
        origin = UInt64(loops) * UInt64(file.duration) + UInt64(file.media[position].time)
    }

    /// How late, at worst, a tag was handed to the socket since the last call.
    func takeWorstDelay() -> UInt64 {
        defer { delay = 0 }
        return delay
    }

    /// The longest time without a picture, of the interval that ends now.
    func nextInterval(at time: UInt64) -> UInt64 { silence.nextInterval(at: time) }

    /// Publishes every tag whose time has come.
    func publish(at time: UInt64) {
        guard due <= time else { return }
        if case .pausing = phase { return connectAgain() }
        guard isPublishing else { return }
        worstDelay = max(worstDelay, time - due)
        delay = max(delay, time - due)
        outbox.fill { out in
            while due <= time {
                let tag = file.media[position]
                var stamp: Stamp?
                if tag.isPicture {
                    stamp = Stamp(clock: now(), run: run, sequence: sequence, stream: UInt32(index))
                    sequence += 1
                    _ = silence.picture(at: time)
                }
                let now = UInt64(loops) * UInt64(file.duration) + UInt64(tag.time)
                append(tag, time: UInt32(truncatingIfNeeded: now &- origin), stamp: stamp, &out)
                step()
                due = dueTime
            }
        }
        flush()
        if outbox.count > Publisher.backlogLimit { end("the server reads too slowly") }
    }

    private func step() {
        position += 1
        if position == file.media.count {
            position = 0
            loops += 1
        }
    }

    private var dueTime: UInt64 {
        let time = UInt64(loops) * UInt64(file.duration) + UInt64(file.media[position].time)
        return begin + time * nanosecondsPerMillisecond
    }

    private func append(_ tag: Tag, time: UInt32, stamp: Stamp?, _ out: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        if tag.type == 18 { AMFValue.string("@setDataFrame").append(to: &scratch) }
        file.append(tag, stamp: stamp, to: &scratch)
        bytesSent += UInt64(scratch.count)
        scratch.withUnsafeBytes {
            ChunkWriter.append(
                type: tag.type, chunkStream: tag.type == 8 ? 4 : tag.type == 9 ? 6 : 3, timestamp: time,
                messageStream: messageStream, chunkSize: Publisher.chunkSize, body: $0, to: &out)
        }
    }

    private func flush() {
        guard isConnected else { return }
        let error = outbox.flush(to: fd)
        if error < 0 { return end("the connection broke: \(String(cString: strerror(-error)))") }
        let wants = outbox.count > 0
        if wants != wantsWritable {
            wantsWritable = wants
            poller.change(fd, wants ? LOADGEN_READABLE | LOADGEN_WRITABLE : LOADGEN_READABLE, .publisher(index))
        }
    }

    private func end(_ reason: String) {
        guard isConnected else { return }
        poller.remove(fd)
        close(fd)
        pause(reason)
    }

    private func pause(_ reason: String) {
        lastReason = reason
        guard let reconnect else {
            phase = .closed(reason)
            due = UInt64.max
            return
        }
        due = now() + nanoseconds(reconnect)
        phase = .pausing(until: due)
    }

    private func connectAgain() {
        reconnects += 1
        site = (site + 1) % sites.count
        do throws(Failure) {
            try connect()
        } catch {
            pause(error.description)
        }
    }
}
