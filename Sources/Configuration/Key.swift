/// A key of the configuration: its full name, the property it sets and how its value is written. `all` is the one
/// table that drives parsing, limits, defaults and the listing of what is in force.
struct Key: Sendable {
    /// `section.name`, or a bare name at the top level.
    let path: String
    /// Completes "takes …" in a message.
    let expectation: String
    let isList: Bool
    /// Whether applications and streams may differ in it.
    let isPerApp: Bool
    let set: @Sendable (inout Settings, _ texts: [String]) throws(ValueFault) -> Void
    let show: @Sendable (Settings) -> String

    init<Value>(
        _ path: String, _ property: any WritableKeyPath<Settings, Value> & Sendable, _ type: ValueType<Value>,
        perApp: Bool = false
    ) {
        self.path = path
        isPerApp = perApp
        expectation = type.expectation
        isList = type.isList
        set = { (settings, texts) throws(ValueFault) in settings[keyPath: property] = try type.read(texts) }
        show = { type.show($0[keyPath: property]) }
    }

    var section: Substring? { path.firstIndex(of: ".").map { path[..<$0] } }

    /// The name inside its section.
    var name: Substring { path.firstIndex(of: ".").map { path[path.index(after: $0)...] } ?? path[...] }

    static let all: [Key] = [
        Key("threads", \.threads, .count(0...1_024)),

        Key("node.id", \.node.id, .name(or: "auto")),
        Key("node.idc", \.node.idc, .name()),
        Key("node.address", \.node.address, .host(or: "auto")),

        Key("rtmp.listen", \.rtmp.listen, .endpoints),
        Key("rtmp.tls_listen", \.rtmp.tlsListen, .endpoints),
        Key("rtmp.proxies", \.rtmp.proxies, .networks),
        Key("rtmp.handshake_timeout", \.rtmp.handshakeTimeout, .duration(100...600_000)),
        Key("rtmp.max_message", \.rtmp.maxMessage, .size(64 << 10...256 << 20)),

        Key("http.listen", \.http.listen, .endpoints),
        Key("http.tls_listen", \.http.tlsListen, .endpoints),
        Key("http.proxies", \.http.proxies, .networks),
        Key("http.header_timeout", \.http.headerTimeout, .duration(100...600_000)),
        Key("http.idle_timeout", \.http.idleTimeout, .duration(100...86_400_000)),
        Key("http.max_header", \.http.maxHeader, .size(1 << 10...1 << 20)),
        Key("http.max_requests", \.http.maxRequests, .count(1...1_000_000_000)),

        Key("srt.listen", \.srt.listen, .endpoints),
        Key("srt.latency", \.srt.latency, .duration(20...60_000), perApp: true),
        Key("srt.latency_max", \.srt.latencyMax, .duration(20...60_000), perApp: true),
        Key("srt.passphrase_file", \.srt.passphraseFile, .path, perApp: true),
        Key("srt.key_length", \.srt.keyLength, .choice, perApp: true),
        Key("srt.pull", \.srt.pull, .srtAddresses, perApp: true),
        Key("srt.push", \.srt.push, .srtAddresses, perApp: true),

        Key("api.listen", \.api.listen, .endpoints),
        Key("api.proxies", \.api.proxies, .networks),

        Key("tls.certificates", \.tls.certificates, .paths),
        Key("tls.keys", \.tls.keys, .paths),
        Key("tls.authorities", \.tls.authorities, .path),

        Key("publish.takeover", \.publish.takeover, .choice),
        Key("publish.idle_timeout", \.publish.idleTimeout, .duration(100...86_400_000), perApp: true),
        Key("publish.linger", \.publish.linger, .duration(0...86_400_000, orZero: true)),
        Key("publish.priority", \.publish.priority, .count(0...65_535), perApp: true),

        Key("push", \.push, .pushAddresses, perApp: true),

        Key("play.wait", \.play.wait, .duration(0...86_400_000, orZero: true), perApp: true),
        Key("play.stall_timeout", \.play.stallTimeout, .duration(100...86_400_000)),
        Key("play.flush_interval", \.play.flushInterval, .duration(1...1_000)),
        Key("play.flush_max", \.play.flushMax, .duration(1...5_000)),
        Key("play.send_buffer", \.play.sendBuffer, .size(4 << 10...64 << 20, orZero: true)),

        Key("retention.time", \.retention.time, .duration(1_000...3_600_000)),
        Key("retention.bytes", \.retention.bytes, .size(1 << 20...16 << 30)),

        Key("hls.form", \.hls.form, .choice, perApp: true),
        Key("hls.segment", \.hls.segment, .duration(1_000...10_000), perApp: true),
        Key("hls.part", \.hls.part, .duration(50...1_000), perApp: true),
        Key("hls.window", \.hls.window, .duration(3_000...3_600_000), perApp: true),
        Key("hls.idle", \.hls.idle, .duration(1_000...86_400_000), perApp: true),

        Key("record.format", \.record.format, .choice, perApp: true),
        Key("record.path", \.record.path, .folder, perApp: true),
        Key("record.pattern", \.record.pattern, .filePattern, perApp: true),
        Key("record.duration", \.record.duration, .cutDuration, perApp: true),
        Key("record.size", \.record.size, .cutSize, perApp: true),
        Key("record.keep_age", \.record.keepAge, .duration(1_000...315_360_000_000, orZero: true), perApp: true),
        Key("record.keep_bytes", \.record.keepBytes, .size(1 << 10...1 << 60, orZero: true), perApp: true),
        Key("record.min_free", \.record.minFree, .size(1 << 10...1 << 60, orZero: true), perApp: true),
        Key("record.queue", \.record.queue, .size(1 << 20...4 << 30), perApp: true),

        Key("snapshot.ffmpeg", \.snapshot.ffmpeg, .program, perApp: true),
        Key("snapshot.width", \.snapshot.width, .count(64...8_192), perApp: true),
        Key("snapshot.cache", \.snapshot.cache, .duration(0...3_600_000, orZero: true), perApp: true),
        Key("snapshot.timeout", \.snapshot.timeout, .duration(500...60_000), perApp: true),
        Key("snapshot.processes", \.snapshot.processes, .count(1...64)),

        Key("rewind.window", \.rewind.window, .duration(60_000...604_800_000, orZero: true), perApp: true),
        Key("rewind.path", \.rewind.path, .folder),
        Key("rewind.min_free", \.rewind.minFree, .size(1 << 10...1 << 60, orZero: true)),

        Key("relay.listen", \.relay.listen, .endpoints),
        Key("relay.tls_listen", \.relay.tlsListen, .endpoints),
        Key("relay.srt_listen", \.relay.srtListen, .endpoints),
        Key("relay.proxies", \.relay.proxies, .networks),
        Key("relay.parents", \.relay.parents, .remotes(over: [.tcp, .tls, .srt])),
        Key("relay.secret_file", \.relay.secretFile, .path),
        Key("relay.redundancy", \.relay.redundancy, .count(1...3), perApp: true),
        Key("relay.dead_after", \.relay.deadAfter, .duration(100...60_000)),
        Key("relay.hold", \.relay.hold, .duration(0...3_600_000, orZero: true)),
        Key("relay.timeout", \.relay.timeout, .duration(100...60_000)),
        Key("relay.window", \.relay.window, .size(64 << 10...128 << 20)),

        Key("dispatch.servers", \.dispatch.servers, .remotes(over: [.tcp, .tls])),
        Key("dispatch.cache", \.dispatch.cache, .path),
        Key("dispatch.listen", \.dispatch.listen, .endpoints),
        Key("dispatch.tls_listen", \.dispatch.tlsListen, .endpoints),
        Key("dispatch.proxies", \.dispatch.proxies, .networks),
        Key("dispatch.topology", \.dispatch.topology, .path),

        Key("limits.sessions", \.limits.sessions, .count(1...10_000_000)),
        Key("limits.connections", \.limits.connections, .count(0...10_000_000)),
        Key("limits.streams", \.limits.streams, .count(1...1_000_000)),
        Key("limits.out", \.limits.out, .rate),
        Key("limits.in", \.limits.in, .rate),
        Key("limits.cpu", \.limits.cpu, .count(0...100)),
        Key("limits.memory", \.limits.memory, .size(64 << 20...1 << 50, orZero: true)),
        Key("limits.soft", \.limits.soft, .count(1...100)),
        Key("limits.reserve", \.limits.reserve, .count(0...20)),
        Key("limits.stream_viewers", \.limits.streamViewers, .count(0...10_000_000), perApp: true),
        Key("limits.stream_out", \.limits.streamOut, .rate, perApp: true),
        Key("limits.app_viewers", \.limits.appViewers, .count(0...10_000_000), perApp: true),
        Key("limits.app_out", \.limits.appOut, .rate, perApp: true),
        Key("limits.idc_out", \.limits.idcOut, .rate),
        Key("limits.sessions_per_address", \.limits.sessionsPerAddress, .count(0...10_000_000)),
        Key("limits.publish_per_address", \.limits.publishPerAddress, .count(0...1_000_000)),

        Key("metrics.streams", \.metrics.streams, .count(0...10_000)),

        Key("log.format", \.log.format, .choice),
        Key("log.level", \.log.level, .choice),

        Key("drain.timeout", \.drain.timeout, .duration(0...86_400_000, orZero: true)),
    ]

    /// Positions in `all` by full name.
    static let byPath: [String: Int] = Dictionary(
        uniqueKeysWithValues: all.enumerated().map { ($0.element.path, $0.offset) })

    static let sections: [String] = all.reduce(into: []) { names, key in
        if let section = key.section.map(String.init), !names.contains(section) { names.append(section) }
    }
}
