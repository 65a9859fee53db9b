/// The command: which measurement, over which data, printed how.
@preconcurrency import Glibc

let usage = """
    usage: dispatchbench scale [--streams N] [--seed N]
           dispatchbench quality --cities SERVERS.csv RTT_MATRIX.csv [--markdown]
           dispatchbench cost --prices COST.csv --latency LATENCY.csv [--markdown]

    scale    1,000 nodes in 100 IDCs: how long a join and the death of a node take
    quality  the delay of the chosen paths against the best path with two relays, over measured round trips
    cost     what the trees of 1,000 streams cost against a star from the ingest node and a lower bound
    """

func runBench() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let isMarkdown = take("--markdown", from: &arguments)
    let streams = takeNumber("--streams", from: &arguments) ?? 100_000
    let seed = takeNumber("--seed", from: &arguments) ?? 1
    do {
        switch arguments.first {
        case "scale" where arguments.count == 1:
            try Scale(streams: streams, seed: UInt64(seed)).run()
        case "quality" where arguments.count == 4 && arguments[1] == "--cities":
            try Quality(servers: arguments[2], matrix: arguments[3], isMarkdown: isMarkdown).run()
        case "cost" where arguments.count == 5 && arguments[1] == "--prices" && arguments[3] == "--latency":
            try CostComparison(prices: arguments[2], latency: arguments[4], isMarkdown: isMarkdown).run()
        case "--help", "-h":
            print(usage)
        default:
            fputs(usage + "\n", stderr)
            exit(2)
        }
    } catch {
        fputs("dispatchbench: \(error)\n", stderr)
        exit(1)
    }
}

private func take(_ flag: String, from arguments: inout [String]) -> Bool {
    guard let place = arguments.firstIndex(of: flag) else { return false }
    arguments.remove(at: place)
    return true
}

private func takeNumber(_ flag: String, from arguments: inout [String]) -> Int? {
    guard let place = arguments.firstIndex(of: flag), place + 1 < arguments.count else { return nil }
    guard let value = Int(arguments[place + 1]), value > 0 else {
        fputs("dispatchbench: \(flag) needs a whole number above 0\n", stderr)
        exit(2)
    }
    arguments.removeSubrange(place...place + 1)
    return value
}
