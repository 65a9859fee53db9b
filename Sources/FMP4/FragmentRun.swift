/// The samples of one track in a fragment that is being built.
struct FragmentRun: Sendable {
    struct Item: Sendable {
        /// Where the caller keeps the body, and where in it the payload is.
        var reference: UInt64
        var payload: Range<Int>
        var time: Int64
        /// Of audio; of video it is the time to the next picture.
        var duration: Int64
        var composition: Int64
        var flags: UInt32
    }

    let number: UInt32
    let isVideo: Bool
    let timescale: Int64
    var items: [Item] = []
    var bytes = 0
    /// How long the newest picture lasts if nobody knows better.
    var interval: Int64 = 0

    /// Of the item at `index`; `end` is where the picture after the last is due.
    func duration(_ index: Int, end: Int64?) -> Int64 {
        if index + 1 < items.count { return items[index + 1].time - items[index].time }
        guard isVideo else { return items[index].duration }
        if let end, end > items[index].time { return end - items[index].time }
        return interval
    }
}
