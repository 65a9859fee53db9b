/// The samples of one message body. Fixed in size, so that nothing is allocated.
struct SampleList: Sendable {
    private(set) var count = 0
    private var items: [8 of Sample] = .init(repeating: Sample())

    /// False when there is no room.
    mutating func append(_ sample: Sample) -> Bool {
        guard count < MP4Limits.tracksOfMessage else { return false }
        items[count] = sample
        count += 1
        return true
    }

    subscript(_ index: Int) -> Sample { items[index] }

    func has(track: Int) -> Bool {
        for index in 0..<count where items[index].track == track { return true }
        return false
    }
}
