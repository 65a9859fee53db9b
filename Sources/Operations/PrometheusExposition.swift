/// The metrics of a node in the Prometheus text format 0.0.4.
///
/// Cardinality is bounded whatever the audience does: there are no series per viewer or per address; streams beyond the
/// busiest few are summed under `stream="_other"` (a real stream's label holds a slash, so the two cannot meet); error
/// reasons beyond `maxReasons` are summed under `reason="_other"`. A stream that moves between the two makes the
/// counters of `_other` step back, which Prometheus reads as a restart: totals of a node are the `sluice_node_` series.
public enum PrometheusExposition {
    /// The content type to answer with.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Most error reasons that get a series of their own. The server has some dozens of reasons.
    public static let maxReasons = 64

    /// Longest stream label, in bytes: peers choose names, and a series keeps its labels in memory for hours.
    public static let maxLabelBytes = 256

    private static let other = "_other"

    /// `busiest`: how many streams, by bytes sent, get series of their own.
    public static func encode(_ snapshot: NodeSnapshot, busiest: Int) -> [UInt8] {
        var writer = PrometheusWriter()
        writeNode(snapshot.node, to: &writer)
        writeErrors(snapshot.node.errors, to: &writer)
        writeLoops(snapshot.node.loops, to: &writer)
        writeViewers(snapshot.streams, to: &writer)
        writeLinks(snapshot.links, to: &writer)
        writeSRT(snapshot.node.srt, to: &writer)
        snapshot.node.packaging.write(to: &writer)
        snapshot.node.recordings.write(to: &writer)
        snapshot.node.rewind.write(to: &writer)
        snapshot.node.pushes.write(to: &writer)
        snapshot.node.snapshots.write(to: &writer)
        let (named, rest) = rank(snapshot.streams, busiest: max(0, busiest))
        for metric in StreamMetric.all { write(metric, named, rest, to: &writer) }
        return writer.bytes
    }

    // MARK: The node

    private static func writeNode(_ node: NodeReport, to writer: inout PrometheusWriter) {
        writer.family("build_info", .gauge, "Always 1; the version is in the label.")
        writer.sample(1, [("version", node.version)])
        writer.family("uptime_seconds", .gauge, "Seconds since the server started.")
        writer.sample(node.uptime)
        writer.family("draining", .gauge, "1 while the node finishes its sessions and takes no new ones.")
        writer.sample(node.draining)
        writer.family("fullness_ratio", .gauge, "The share of the node's limit that is nearest.")
        writer.sample(node.fullness)
        writer.family("threads", .gauge, "Event loops.")
        writer.sample(node.threads)
        writer.family("resident_memory_bytes", .gauge, "Resident memory of the process.")
        writer.sample(node.memoryBytes)
        writer.family("sessions", .gauge, "Connected sessions of any role.")
        writer.sample(node.sessions)
        writer.family("publishers", .gauge, "Sessions that publish.")
        writer.sample(node.publishers)
        writer.family("streams", .gauge, "Streams in any state.")
        writer.sample(node.streams)
        writer.family("node_viewers", .gauge, "Sessions that play.")
        writer.sample(node.viewers)
        writer.family("node_received_bytes_total", .counter, "Bytes received by the node.")
        writer.sample(node.bytesIn)
        writer.family("node_sent_bytes_total", .counter, "Bytes sent by the node.")
        writer.sample(node.bytesOut)
        writer.family("accepted_connections_total", .counter, "Connections accepted.")
        writer.sample(node.acceptedTotal)
    }

    private static func writeErrors(_ errors: [String: UInt64], to writer: inout PrometheusWriter) {
        writer.family("errors_total", .counter, "Sessions ended for a fault, by reason.")
        let ranked = errors.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        for (reason, count) in ranked.prefix(maxReasons).sorted(by: { $0.key < $1.key }) {
            writer.sample(count, [("reason", shortened(reason))])
        }
        if ranked.count > maxReasons {
            writer.sample(ranked.dropFirst(maxReasons).reduce(0) { $0 &+ $1.value }, [("reason", other)])
        }
    }

    private static func writeLoops(_ loops: [LoopReport], to writer: inout PrometheusWriter) {
        writer.family("loop_busy_ratio", .gauge, "Fraction of the time in which an event loop worked.")
        for loop in loops { writer.sample(loop.busy, [("loop", String(loop.index))]) }
        writer.family("loop_sessions", .gauge, "Sessions on an event loop.")
        for loop in loops { writer.sample(loop.sessions, [("loop", String(loop.index))]) }
        writer.family("loop_flush_interval_seconds", .gauge, "Flush interval in force on an event loop.")
        for loop in loops { writer.sample(loop.flushIntervalMs / 1000, [("loop", String(loop.index))]) }
    }

    private static func writeViewers(_ streams: [StreamReport], to writer: inout PrometheusWriter) {
        writer.family("viewers", .gauge, "Viewers, by protocol.")
        var total: [String: Int] = [:]
        for stream in streams { total.merge(stream.viewers, uniquingKeysWith: &+) }
        for (name, count) in total.sorted(by: { $0.key < $1.key }) { writer.sample(count, [("protocol", name)]) }
    }

    /// One series for each node at the other end: there are as many as the network has nodes, at the most.
    private static func writeLinks(_ links: [LinkReport], to writer: inout PrometheusWriter) {
        let nodes = Dictionary(grouping: links.filter { !$0.node.isEmpty }, by: \.node).sorted { $0.key < $1.key }
        func family(
            _ name: String, _ kind: PrometheusWriter.Kind, _ help: String, _ value: ([LinkReport]) -> Double?
        ) {
            writer.family(name, kind, help)
            for (node, links) in nodes { if let value = value(links) { writer.sample(value, [("node", node)]) } }
        }
        family("link_connections", .gauge, "Connections to another node.") { Double($0.count) }
        family("link_streams_in", .gauge, "Streams that come from another node.") {
            Double($0.reduce(0) { $0 + $1.streamsIn })
        }
        family("link_streams_out", .gauge, "Streams that go to another node.") {
            Double($0.reduce(0) { $0 + $1.streamsOut })
        }
        family("link_rtt_seconds", .gauge, "Shortest round trip of the last seconds to another node.") {
            $0.compactMap(\.rttMs).min().map { $0 / 1000 }
        }
        family("link_loss_ratio", .gauge, "Share of the packets to another node that had to be sent again lately.") {
            $0.map(\.loss).max()
        }
        family("link_credit_stalls", .gauge, "Times that streams waited for another node to take more.") {
            Double($0.reduce(0) { $0 &+ $1.creditStalls })
        }
    }

    private static func writeSRT(_ srt: SRTReport, to writer: inout PrometheusWriter) {
        func family(_ name: String, _ help: String, out: UInt64, in: UInt64? = nil) {
            writer.family("srt_\(name)_packets_total", .counter, help)
            writer.sample(out, [("direction", "out")])
            if let `in` { writer.sample(`in`, [("direction", "in")]) }
        }
        family("data", "Packets over SRT, those sent again included.", out: srt.packetsSent, in: srt.packetsReceived)
        family("lost", "Packets over SRT that were found missing.", out: srt.lostSent, in: srt.lostReceived)
        family("retransmitted", "Packets over SRT that were sent again.", out: srt.retransmitted)
        family(
            "dropped", "Packets over SRT that were given up because their time had passed.", out: srt.droppedSent,
            in: srt.droppedReceived)
    }

    // MARK: Streams

    /// The busiest streams by bytes sent, ties by name so that the choice is stable, and all others.
    private static func rank(_ streams: [StreamReport], busiest: Int) -> (
        ArraySlice<StreamReport>, ArraySlice<StreamReport>
    ) {
        let ranked = streams.sorted { a, b in
            a.bytesOut != b.bytesOut ? a.bytesOut > b.bytesOut : (a.app, a.name) < (b.app, b.name)
        }
        return (ranked.prefix(busiest), ranked.dropFirst(busiest))
    }

    private static func write(
        _ metric: StreamMetric, _ named: ArraySlice<StreamReport>, _ rest: ArraySlice<StreamReport>,
        to writer: inout PrometheusWriter
    ) {
        writer.family(metric.name, metric.kind, metric.help)
        for stream in named {
            let label = shortened("\(stream.app)/\(stream.name)")
            for point in metric.points(stream) { writer.sample(point.value, [("stream", label)] + point.labels) }
        }
        guard metric.summable, let first = rest.first else { return }
        var sums = metric.points(first)
        for stream in rest.dropFirst() {
            for (index, point) in metric.points(stream).enumerated() { sums[index].value += point.value }
        }
        for point in sums { writer.sample(point.value, [("stream", other)] + point.labels) }
    }

    /// At most `maxLabelBytes` of a label. Two names that are cut or escaped to the same text would make one series
    /// twice, which a scraper refuses: a checksum of the full name keeps them apart.
    private static func shortened(_ label: String) -> String {
        let escaped = label.unicodeScalars.contains { TextEscaping.isUnsafe($0) }
        guard escaped || label.utf8.count > maxLabelBytes else { return label }
        var kept = String.UnicodeScalarView()
        var size = 0
        for scalar in label.unicodeScalars {
            size += UTF8.width(scalar)
            if size > maxLabelBytes { break }
            kept.append(scalar)
        }
        // FNV-1a, 64 bits.
        let sum = label.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(kept) + "~" + String(sum, radix: 16)
    }
}
