import Testing

@testable import Operations

@Suite struct PushTotalsTests {
    private func push(_ number: Int, state: String = "live") -> PushReport {
        var report = PushReport(
            id: "p\(number)", app: "live", stream: "s\(number)", url: "rtmp://h/a/***", state: state)
        report.bytesOut = 1000
        report.frames = number % 2 == 0 ? 10 : nil
        report.framesMissed = 3
        report.connections = 2
        report.retries = 5
        return report
    }

    private func lines(_ totals: PushTotals) -> [String] {
        var node = Samples.node()
        node.pushes = totals
        return text(PrometheusExposition.encode(NodeSnapshot(node: node), busiest: 0))
            .split(separator: "\n").map(String.init).filter { $0.hasPrefix("sluice_push") }
    }

    @Test("what destinations have had stays counted when they are gone, and their states do not")
    func gone() {
        var totals = PushTotals()
        totals.add(push(0))
        totals.add(push(1, state: "retrying"))
        totals.addPast(push(2))
        #expect(
            lines(totals) == [
                #"sluice_pushes{state="waiting"} 0"#, #"sluice_pushes{state="connecting"} 0"#,
                #"sluice_pushes{state="live"} 1"#, #"sluice_pushes{state="retrying"} 1"#,
                #"sluice_pushes{state="stopped"} 0"#, "sluice_push_sent_bytes_total 3000",
                "sluice_push_sent_frames_total 20", "sluice_push_missed_frames_total 9",
                "sluice_push_connections_total 6", "sluice_push_retries_total 15",
            ])
    }

    @Test("any number of destinations makes the same number of series")
    func bounded() {
        var many = PushTotals()
        for number in 0..<10_000 { many.add(push(number, state: "waiting")) }
        #expect(lines(many).count == lines(PushTotals()).count)
        var sum = PushTotals()
        sum.add(many)
        sum.add(PushTotals())
        #expect(sum == many)
    }
}
