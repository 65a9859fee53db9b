/// The reports as the API answers them. Keys are the names of the properties, so that the documentation of a property
/// is the documentation of the answer; what is absent is `null`, never left out.
public enum JSON {
    public static func encode(_ node: NodeReport, pretty: Bool = false) -> [UInt8] {
        write(pretty) { node.write(to: &$0) }
    }

    public static func encode(_ stream: StreamReport, pretty: Bool = false) -> [UInt8] {
        write(pretty) { stream.write(to: &$0) }
    }

    public static func encode(_ session: SessionReport, pretty: Bool = false) -> [UInt8] {
        write(pretty) { session.write(to: &$0) }
    }

    /// `{"streams": […]}`, in the order given.
    public static func encode(_ streams: [StreamReport], pretty: Bool = false) -> [UInt8] {
        write(pretty) { writer in
            writer.object { $0.member("streams") { $0.array(streams) { $1.write(to: &$0) } } }
        }
    }

    /// `{"sessions": […]}`, in the order given.
    public static func encode(_ sessions: [SessionReport], pretty: Bool = false) -> [UInt8] {
        write(pretty) { writer in
            writer.object { $0.member("sessions") { $0.array(sessions) { $1.write(to: &$0) } } }
        }
    }

    /// `{"links": […]}`, in the order given.
    public static func encode(_ links: [LinkReport], pretty: Bool = false) -> [UInt8] {
        write(pretty) { writer in
            writer.object { $0.member("links") { $0.array(links) { $1.write(to: &$0) } } }
        }
    }

    public static func encode(_ recording: RecordingReport, pretty: Bool = false) -> [UInt8] {
        write(pretty) { recording.write(to: &$0) }
    }

    public static func encode(_ window: WindowReport, pretty: Bool = false) -> [UInt8] {
        write(pretty) { window.write(to: &$0) }
    }

    /// `{"recordings": […]}`, in the order given.
    public static func encode(_ files: [RecordedFile], pretty: Bool = false) -> [UInt8] {
        write(pretty) { writer in
            writer.object { $0.member("recordings") { $0.array(files) { $1.write(to: &$0) } } }
        }
    }

    /// The answer to a request that failed: `{"error": "…"}`.
    public static func encode(error: String, pretty: Bool = false) -> [UInt8] {
        write(pretty) { $0.object { $0.member("error", error) } }
    }

    static func write(_ pretty: Bool, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(pretty: pretty)
        body(&writer)
        return pretty ? writer.bytes + [UInt8(ascii: "\n")] : writer.bytes
    }
}

extension PublisherReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("session", session)
            $0.member("protocol", self.protocol)
            $0.member("address", address)
            $0.member("agent", agent)
            $0.member("since", since)
        }
    }
}

extension PackageReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("bytes", bytes)
            $0.member("renditions", renditions)
            $0.member("viewers", viewers)
            $0.member("waiting", waiting)
        }
    }
}

extension UpstreamReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("parent", parent)
            $0.member("path") { $0.array(path) { $0.string($1) } }
            $0.member("hops", hops)
            $0.member("failovers", failovers)
            $0.member("framesRecovered", framesRecovered)
            $0.member("framesLost", framesLost)
            $0.member("duplicates", duplicates)
            $0.member("delayMedianMs", delayMedianMs)
            $0.member("delayP99Ms", delayP99Ms)
        }
    }
}

extension LinkReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("session", session)
            $0.member("node", node)
            $0.member("idc", idc)
            $0.member("address", address)
            $0.member("outgoing", outgoing)
            $0.member("streamsIn", streamsIn)
            $0.member("streamsOut", streamsOut)
            $0.member("bytesIn", bytesIn)
            $0.member("bytesOut", bytesOut)
            $0.member("rttMs", rttMs ?? .nan)
            $0.member("clockOffsetMs", clockOffsetMs ?? .nan)
            $0.member("loss", loss)
            $0.member("creditStalls", creditStalls)
            $0.member("skips", skips)
        }
    }
}

extension VideoReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("codec", codec)
            $0.member("profile", profile)
            $0.member("level", level)
            $0.member("width", width)
            $0.member("height", height)
            $0.member("frameRate", frameRate)
            $0.member("keyframeInterval", keyframeInterval)
            $0.member("codecString", codecString)
        }
    }
}

extension AudioReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("codec", codec)
            $0.member("profile", profile)
            $0.member("sampleRate", sampleRate)
            $0.member("channels", channels)
            $0.member("codecString", codecString)
        }
    }
}

extension CorrectionReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("jumps", jumps)
            $0.member("backwards", backwards)
            $0.member("rollovers", rollovers)
        }
    }
}

extension StreamReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("app", app)
            $0.member("name", name)
            $0.member("state", state)
            $0.member("publisher") { out in if let publisher { publisher.write(to: &out) } else { out.null() } }
            $0.member("upstream") { out in if let upstream { upstream.write(to: &out) } else { out.null() } }
            $0.member("epoch", epoch)
            $0.member("video") { out in if let video { video.write(to: &out) } else { out.null() } }
            $0.member("audio") { out in if let audio { audio.write(to: &out) } else { out.null() } }
            $0.member("bitrateIn", bitrateIn.rounded())
            $0.member("bitrateOut", bitrateOut.rounded())
            $0.member("bytesIn", bytesIn)
            $0.member("bytesOut", bytesOut)
            $0.member("framesVideo", framesVideo)
            $0.member("framesAudio", framesAudio)
            $0.member("corrections") { corrections.write(to: &$0) }
            $0.member("viewers") { writeViewers(to: &$0) }
            $0.member("skips", skips)
            $0.member("stalledOut", stalledOut)
            $0.member("logSeconds", logSeconds)
            $0.member("logBytes", logBytes)
            $0.member("sinceLastFrame", sinceLastFrame ?? .nan)
            $0.member("uptime", uptime)
            $0.member("unwritableFrames", unwritableFrames)
            if let packaged {
                $0.member("packaged") { packaged.write(to: &$0) }
            }
            $0.member("recording") { out in if let recording { recording.write(to: &out) } else { out.null() } }
            $0.member("rewind") { out in if let rewind { rewind.write(to: &out) } else { out.null() } }
        }
    }

    private func writeViewers(to writer: inout JSONWriter) {
        writer.object { out in
            for (name, count) in viewers.sorted(by: { $0.key < $1.key }) { out.member(name, count) }
        }
    }
}

extension SessionReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("id", id)
            $0.member("protocol", self.protocol)
            $0.member("role", role)
            $0.member("app", app)
            $0.member("stream", stream)
            $0.member("address", address)
            $0.member("agent", agent)
            $0.member("since", since)
            $0.member("bytesIn", bytesIn)
            $0.member("bytesOut", bytesOut)
            $0.member("lagBytes", lagBytes)
            $0.member("lagMilliseconds", lagMilliseconds)
            $0.member("skips", skips)
            $0.member("track", track)
            $0.member("srt") { out in if let srt { srt.write(to: &out) } else { out.null() } }
        }
    }
}

extension SRTReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("rttMs", rttMs)
            $0.member("latencyMs", latencyMs)
            $0.member("encrypted", encrypted)
            $0.member("packetsSent", packetsSent)
            $0.member("packetsReceived", packetsReceived)
            $0.member("lostSent", lostSent)
            $0.member("lostReceived", lostReceived)
            $0.member("retransmitted", retransmitted)
            $0.member("droppedSent", droppedSent)
            $0.member("droppedReceived", droppedReceived)
            $0.member("sendBufferMs", sendBufferMs)
            $0.member("receiveBufferMs", receiveBufferMs)
            $0.member("bandwidthMbit", bandwidthMbit)
        }
    }
}

extension NodeReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("version", version)
            $0.member("uptime", uptime)
            $0.member("draining", draining)
            $0.member("threads", threads)
            $0.member("sessions", sessions)
            $0.member("viewers", viewers)
            $0.member("publishers", publishers)
            $0.member("streams", streams)
            $0.member("bytesIn", bytesIn)
            $0.member("bytesOut", bytesOut)
            $0.member("acceptedTotal", acceptedTotal)
            $0.member("memoryBytes", memoryBytes)
            $0.member("fullness", fullness)
            $0.member("srt") { srt.write(to: &$0) }
            $0.member("packaging") { packaging.write(to: &$0) }
            $0.member("recordings") { recordings.write(to: &$0) }
            $0.member("rewind") { rewind.write(to: &$0) }
            $0.member("pushes") { pushes.write(to: &$0) }
            $0.member("snapshots") { snapshots.write(to: &$0) }
            $0.member("loops") { $0.array(loops) { $1.write(to: &$0) } }
            $0.member("errors", errors)
        }
    }
}

extension LoopReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("index", index)
            $0.member("busy", busy)
            $0.member("sessions", sessions)
            $0.member("flushIntervalMs", flushIntervalMs)
        }
    }
}
