/// The descriptors of a program or a stream (ISO/IEC 13818-1 §2.6), found once: a tag and where its content lies. A last
/// one that claims more than there is is left out.
struct Descriptors: Sequence {
    struct Item: Sendable {
        let tag: UInt8
        let content: Range<Int>
    }

    private var items: [Item] = []

    init(_ bytes: Span<UInt8>) {
        let count = bytes.count
        var position = 0
        while position + 2 <= count {
            let start = position + 2
            let end = start + Int(bytes[position + 1])
            guard end <= count else { break }
            items.append(Item(tag: bytes[position], content: start..<end))
            position = end
        }
    }

    func makeIterator() -> IndexingIterator<[Item]> { items.makeIterator() }
}
