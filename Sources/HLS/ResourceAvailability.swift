/// Whether a segment or a part can be fetched (RFC 8216bis §6.2.6).
public enum ResourceAvailability: Hashable, Sendable {
    /// Its bytes are there: `size` of them, from `offset` of the segment's.
    case here(offset: Int, size: Int)
    /// It is the part that the playlist hints: asked again at the next change of the playlist, it is here or not found.
    case awaited
    case notFound
}

extension MediaPlaylist {
    /// A whole segment, listed or lately removed.
    public func availability(ofSegment number: UInt32) -> ResourceAvailability {
        guard let segment = retained(number), !segment.isGap else { return .notFound }
        return .here(offset: 0, size: segment.size)
    }

    public func availability(ofPart part: LivePosition) -> ResourceAvailability {
        let segment = open?.number == part.number ? open : retained(part.number)
        if let segment, let index = Int(exactly: part.part), index < segment.parts.count {
            let offset = segment.parts[..<index].reduce(0) { $0 + $1.size }
            return .here(offset: offset, size: segment.parts[index].size)
        }
        return part == hintedPart ? .awaited : .notFound
    }

    /// Numbers rise, with holes only where they jump.
    private func retained(_ number: UInt32) -> WindowSegment? {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < segments.count && segments[low].number == number ? segments[low] : nil
    }
}
