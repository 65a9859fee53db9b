import Testing

@testable import Operations

@Suite struct PrometheusTests {
    /// The lines of an exposition, each checked against the grammar of the text format 0.0.4.
    private func samples(_ bytes: [UInt8]) throws -> [(name: String, labels: String, value: Double)] {
        let lines = text(bytes).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.last == "", "the last line ends with a newline")
        var types: [String: String] = [:]
        var current = ""
        var samples: [(String, String, Double)] = []
        for line in lines.dropLast() {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            if line.hasPrefix("# HELP ") {
                current = words[2]
                continue
            }
            if line.hasPrefix("# TYPE ") {
                #expect(words[2] == current)
                #expect(types.updateValue(words[3], forKey: current) == nil, "\(current) is announced once")
                continue
            }
            let sample = try #require(
                line.wholeMatch(of: #/([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (\S+)/#))
            #expect(String(sample.1) == current, "samples of a family stand together")
            #expect((types[current] == "counter") == current.hasSuffix("_total"))
            #expect(current.hasPrefix("sluice_"))
            samples.append((current, String(sample.2 ?? ""), try #require(Double(sample.3))))
        }
        let series = samples.map { $0.0 + $0.1 }
        #expect(Set(series).count == series.count, "no series twice")
        return samples
    }

    @Test("a node's exposition follows the grammar and shows its numbers in base units")
    func node() throws {
        let found = try samples(
            PrometheusExposition.encode(NodeSnapshot(node: Samples.node(), streams: [Samples.stream()]), busiest: 10))
        func value(_ name: String, _ labels: String = "") -> Double? {
            found.first { $0.name == "sluice_" + name && $0.labels == labels }?.value
        }
        #expect(value("node_sent_bytes_total") == 2000)
        #expect(value("errors_total", #"{reason="rtmp.chunk-size"}"#) == 2)
        #expect(value("loop_flush_interval_seconds", #"{loop="0"}"#) == 0.04)
        #expect(value("viewers", #"{protocol="http-flv"}"#) == 2)
        #expect(value("stream_viewers", #"{stream="live/a"}"#) == 3)
        #expect(value("stream_timestamp_corrections_total", #"{stream="live/a",cause="backwards"}"#) == 2)
        #expect(value("stream_last_frame_age_seconds", #"{stream="live/a"}"#) == 0.02)
        #expect(value("stream_rewind_bytes", #"{stream="live/a"}"#) == 900_000)
        #expect(value("stream_rewind_oldest_seconds", #"{stream="live/a"}"#) == 1_800_000_000.25)
    }

    @Test("only the busiest streams get series of their own; the rest is one sum")
    func bounded() throws {
        let streams = (0..<500).map { index in
            var stream = Samples.stream("live", "s\(index)")
            stream.bytesOut = UInt64(index)
            return stream
        }
        let found = try samples(
            PrometheusExposition.encode(NodeSnapshot(node: Samples.node(), streams: streams), busiest: 3))
        let sent = found.filter { $0.name == "sluice_stream_sent_bytes_total" }
        #expect(
            sent.map(\.labels) == ["live/s499", "live/s498", "live/s497", "_other"].map { "{stream=\"\($0)\"}" })
        #expect(sent.map(\.value).reduce(0, +) == Double(499 * 500 / 2))
        #expect(found.first { $0.labels == #"{stream="_other",cause="rollover"}"# }?.value == Double(497 * 3))
        #expect(!found.contains { $0.name == "sluice_stream_log_seconds" && $0.labels.contains("_other") })
        #expect(found.count < 120)
    }

    @Test("viewers and their addresses never become series")
    func noViewers() throws {
        let few = NodeSnapshot(node: Samples.node(), streams: [Samples.stream()])
        let many = NodeSnapshot(
            node: Samples.node(), streams: [Samples.stream()], sessions: (0..<1000).map { Samples.session("h-\($0)") })
        #expect(PrometheusExposition.encode(few, busiest: 10) == PrometheusExposition.encode(many, busiest: 10))
    }

    @Test("hostile names stay inside their label, and names that look alike stay two series")
    func hostile() throws {
        let long = String(repeating: "x", count: 5000)
        let names = [Samples.hostile, "a\r", "a\\u{0d}", long + "1", long + "2", "_other"]
        let found = try samples(
            PrometheusExposition.encode(
                NodeSnapshot(node: Samples.node(), streams: names.map { Samples.stream("live", $0) }), busiest: 10))
        #expect(found.filter { $0.name == "sluice_stream_viewers" }.count == names.count)
        #expect(found.allSatisfy { $0.labels.utf8.count < 400 })
    }

    @Test("error reasons are bounded and the rest is summed")
    func reasons() throws {
        var node = Samples.node()
        node.errors = [:]
        for index in 0..<1000 { node.errors["reason-\(index)"] = 1 }
        let found = try samples(PrometheusExposition.encode(NodeSnapshot(node: node), busiest: 0))
            .filter { $0.name == "sluice_errors_total" }
        #expect(found.count == PrometheusExposition.maxReasons + 1)
        #expect(found.map(\.value).reduce(0, +) == 1000)
    }

    @Test("an idle node and a negative limit make a valid exposition too")
    func empty() throws {
        let node = NodeReport(version: "\"\n")
        #expect(try !samples(PrometheusExposition.encode(NodeSnapshot(node: node), busiest: -1)).isEmpty)
        let waiting = NodeSnapshot(node: node, streams: [StreamReport(app: "live", name: "w")])
        let found = try samples(PrometheusExposition.encode(waiting, busiest: 1))
        #expect(!found.contains { $0.name == "sluice_stream_last_frame_age_seconds" })
    }
}
