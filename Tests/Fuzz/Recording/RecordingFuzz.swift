/// Fuzz entries of the Recording module: lines of an index that somebody edited, patterns and names that somebody chose,
/// and folders of a window into which somebody has put files. None may trap, and no path may lead out of its folder.
import Recording

/// What is read as an entry is written and read as the same.
public func fuzzIndexLine(_ data: Span<UInt8>) {
    var bytes: [UInt8] = []
    for index in data.indices { bytes.append(data[index]) }
    guard let entry = IndexEntry(line: bytes) else { return }
    checkPath(entry.file)
    precondition(!entry.line.utf8.contains(0x0A))
    precondition(IndexEntry(line: Array(entry.line.utf8)) == entry)
}

/// A pattern, a line feed, the application's name, a line feed, the stream's name.
public func fuzzFilePattern(_ data: Span<UInt8>) {
    var parts: [[UInt8]] = [[]]
    for index in data.indices {
        if data[index] == 0x0A, parts.count < 3 { parts.append([]) } else { parts[parts.count - 1].append(data[index]) }
    }
    while parts.count < 3 { parts.append([]) }
    let texts = parts.map { String(decoding: $0, as: UTF8.self) }
    for text in [texts[0], FilePattern.standard.text] {
        guard let pattern = try? FilePattern(text) else { continue }
        for start in [Int64.min, 0, 1_700_000_000_123_456, .max] {
            let values = FilePattern.Values(
                app: texts[1], stream: texts[2], start: start, number: data.count, epoch: .max, format: .fmp4)
            let path = pattern.path(values)
            checkPath(path.home.isEmpty ? path.file : path.home + "/" + path.file)
            precondition(path.file.utf8.count > 0)
        }
    }
}

/// A line each for a file: its size behind a space. What is taken of them is in order, listed, cut and given up; also
/// what is said of the tracks.
public func fuzzTapeFolder(_ data: Span<UInt8>) {
    var bytes: [UInt8] = []
    for index in data.indices { bytes.append(data[index]) }
    let title = TapeTitle(text: bytes)
    precondition(TapeTitle(text: Array(title.text.utf8)) == title)
    let files = bytes.split(separator: 0x0A).map { line in
        let parts = line.split(separator: 0x20, maxSplits: 1).map { String(decoding: $0, as: UTF8.self) }
        return (name: parts.first ?? "", bytes: parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    }
    var index = TapeIndex()
    let names = Set(files.map(\.name))
    precondition(names.isSuperset(of: index.load(files)))
    for (one, next) in zip(index.entries, index.entries.dropFirst()) {
        precondition(one.place + 1 == next.place && one.number < next.number)
        precondition(one.discontinuity == next.discontinuity || one.discontinuity + 1 == next.discontinuity)
    }
    precondition(index.tracks.allSatisfy { index.rates(of: $0) != nil })
    let newest = index.entries.last?.end ?? 0
    for isLive in [true, false] {
        for track in [nil, 1] as [UInt8?] {
            precondition(index.listed.starts(with: index.listed(for: track, isLive: isLive)))
            _ = index.cut(from: newest - 5_000_000, to: newest, of: track, isLive: isLive, now: newest)
        }
    }
    precondition(names.isSuperset(of: index.expire(window: 4_000, now: newest + TapeIndex.grace, keepsOne: true)))
    while let gone = index.dropOldest() { precondition(names.isSuperset(of: gone)) }
    precondition(index.entries.count <= 1)
    precondition(names.isSuperset(of: index.expire(window: 0, now: .max / 2, keepsOne: false)))
    precondition(index.entries.isEmpty && index.bytes == 0 && index.tracks.isEmpty)
}

private func checkPath(_ path: String) {
    for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
        precondition(!part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8))
        precondition(part.count <= 255 && !part.contains(0) && !part.contains(0x0A))
    }
}
