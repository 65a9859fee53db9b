/// Fuzz entries of the Recording module: lines of an index that somebody edited, and patterns and names that somebody
/// chose. None may trap, and no path may lead out of its folder.
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

private func checkPath(_ path: String) {
    for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
        precondition(!part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8))
        precondition(part.count <= 255 && !part.contains(0) && !part.contains(0x0A))
    }
}
