//! A publisher over RTMP: plays the file in a loop, in real time, under one unbroken timeline. With `reconnect` it goes on
//! after a disconnection as an encoder would: at the next site, from the next keyframe, with timestamps from zero.

import CSystem
@preconcurrency import Glibc

final class RTMPPublisher: Publisher {
    /// Bytes that may wait for a server that reads too slowly, before the publisher gives up.
    private static let backlogLimit = 32 << 20
    private static let chunkSize = 65_536

    private enum Phase {
        case connecting
        case conversing
        case publishing
        /// Connects to the next site when the time has come.
        case pausing
        case closed(String)
    }

    private let index: Int
    private let streams: Int
    private var journey: Journey
    private let run: UInt32
    private let poller: Poller

    private var phase = Phase.connecting
    private var fd: Int32 = -1
    private var link = RTMPLink(role: .client)
    private var outbox = Outbox()
    private var wantsWritable = true
    private var messageStream: UInt32 = 1

    private var scratch: [UInt8] = []
    private var timeline: Timeline

    var reconnects: Int { journey.reconnects }
    var lastReason: String? { journey.lastReason }
    var pace = Pace()
    private(set) var bytesSent: UInt64 = 0
    private(set) var due = UInt64.max

    init(
        index: Int, of count: Int, sites: [Site], reconnect: Double?, file: FLVFile, run: UInt32, poller: Poller
    ) throws(Failure) {
        self.index = index
        streams = count
        journey = Journey(sites, ofStream: index, pause: reconnect)
        timeline = Timeline(file)
        self.run = run
        self.poller = poller
        try connect()
    }

    private var target: Target { journey.site.target }
    private var name: String { target.name(index, of: streams) + target.query }

    private func connect() throws(Failure) {
        var greeting: [UInt8] = []
        ChunkWriter.append(control: 1, UInt32(RTMPPublisher.chunkSize), to: &greeting)
        let properties: [(String, AMFValue)] = [
            ("app", .string(target.app)), ("type", .string("nonprivate")),
            ("flashVer", .string("FMLE/3.0 (compatible; sluice-loadgen)")), ("tcUrl", .string(target.rtmpAddress)),
        ]
        ChunkWriter.append(
            [.string("connect"), .number(1), .object(properties)], chunkSize: RTMPPublisher.chunkSize, to: &greeting)
        link = RTMPLink(role: .client, greeting: greeting)
        outbox = Outbox()
        wantsWritable = true
        messageStream = 1
        due = UInt64.max
        phase = .connecting
        fd = try journey.site.address.connect()
        poller.add(fd, LOADGEN_READABLE | LOADGEN_WRITABLE, .publisher(index))
    }

    deinit { if isConnected { close(fd) } }

    private var isConnected: Bool {
        switch phase {
        case .connecting, .conversing, .publishing: true
        case .pausing, .closed: false
        }
    }

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
            ChunkWriter.append(values, messageStream: stream, chunkSize: RTMPPublisher.chunkSize, to: &out)
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

    /// Sends what comes before the first picture.
    private func begin(_ out: inout [UInt8]) {
        guard !isPublishing else { return }
        phase = .publishing
        timeline.goOn(asStream: index)
        due = timeline.due
        for tag in timeline.file.opening { append(tag, time: 0, stamp: nil, &out) }
    }

    var srtCounts: SRTCounts? { nil }
    var negotiated: UInt64 { 0 }

    func publish(at time: UInt64) {
        guard due <= time else { return }
        if case .pausing = phase { return connectAgain() }
        guard isPublishing else { return }
        pace.late(by: time - due)
        outbox.fill { out in
            while due <= time {
                let tag = timeline.tag
                let stamp = pace.stamp(tag, at: time, run: run, stream: index)
                append(tag, time: UInt32(truncatingIfNeeded: timeline.time), stamp: stamp, &out)
                timeline.step()
                due = timeline.due
            }
        }
        flush()
        if outbox.count > RTMPPublisher.backlogLimit { end("the server reads too slowly") }
    }

    private func append(_ tag: Tag, time: UInt32, stamp: Stamp?, _ out: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        if tag.type == 18 { AMFValue.string("@setDataFrame").append(to: &scratch) }
        timeline.file.append(tag, stamp: stamp, to: &scratch)
        bytesSent += UInt64(scratch.count)
        scratch.withUnsafeBytes {
            ChunkWriter.append(
                type: tag.type, chunkStream: tag.type == 8 ? 4 : tag.type == 9 ? 6 : 3, timestamp: time,
                messageStream: messageStream, chunkSize: RTMPPublisher.chunkSize, body: $0, to: &out)
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
        let next = journey.lost(reason)
        due = next ?? UInt64.max
        phase = next == nil ? .closed(reason) : .pausing
    }

    private func connectAgain() {
        journey.goOn()
        do throws(Failure) {
            try connect()
        } catch {
            pause(error.description)
        }
    }
}
