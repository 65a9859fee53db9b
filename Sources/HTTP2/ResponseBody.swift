/// What is left to send of one response, handed out in pieces as large as the client's windows allow.
///
/// The library asks twice for a piece: how many bytes there are (`prepare`), and then for the bytes themselves
/// (`takePrepared`). Invariant: between the two calls `prepared` holds exactly the bytes that were announced.
struct ResponseBody {
    private enum Source {
        case ranges([BodyRange], index: Int, offset: Int)
        case live(any LiveBody)
    }

    private var source: Source
    private var prepared: [BodyRange] = []
    private(set) var isOver: Bool

    init(_ ranges: [BodyRange]) {
        let ranges = ranges.filter { $0.count > 0 }
        source = .ranges(ranges, index: 0, offset: 0)
        isOver = ranges.isEmpty
    }

    init(_ live: any LiveBody) {
        source = .live(live)
        isOver = false
    }

    /// How many bytes come next, at most `limit`; none means that there are none at present, or no more at all if it
    /// is over.
    mutating func prepare(upTo limit: Int) -> Int {
        prepared.removeAll(keepingCapacity: true)
        guard !isOver else { return 0 }
        switch source {
        case .live(let live):
            isOver = live.next(upTo: limit, into: &prepared)
        case .ranges(let ranges, var index, var offset):
            var room = limit
            while room > 0, index < ranges.count {
                let count = min(room, ranges[index].count - offset)
                prepared.append(ranges[index].slice(from: offset, count: count))
                room -= count
                offset += count
                if offset == ranges[index].count { (index, offset) = (index + 1, 0) }
            }
            source = .ranges(ranges, index: index, offset: offset)
            isOver = index == ranges.count
        }
        let total = prepared.reduce(0) { $0 + $1.count }
        precondition(total <= limit, "a live body gave more than it was asked for")
        return total
    }

    mutating func takePrepared() -> [BodyRange] {
        defer { prepared = [] }
        return prepared
    }
}
