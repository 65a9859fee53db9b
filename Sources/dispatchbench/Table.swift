/// Files of comma-separated values in, tables of text or Markdown out.
@preconcurrency import Glibc

/// A file's lines, each cut at its commas. The data has no quoted fields.
func readTable(_ path: String) throws(BenchError) -> [[Substring]] {
    guard let file = fopen(path, "r") else { throw BenchError("cannot open \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        guard count > 0 else { break }
        bytes += buffer.prefix(count)
        guard bytes.count <= Table.fileLimit else { throw BenchError("\(path) is larger than a data file should be") }
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
        line.split(separator: ",", omittingEmptySubsequences: false)
    }
}

struct Table {
    /// Bytes of a data file.
    static let fileLimit = 64 << 20

    let head: [String]
    var rows: [[String]] = []

    func text(isMarkdown: Bool) -> String {
        if isMarkdown {
            let lines = [head, head.indices.map { $0 == 0 ? "---" : "---:" }] + rows
            return lines.map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
        }
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        return ([head] + rows).map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + space : space + row[column]
            }.joined(separator: "   ")
        }.joined(separator: "\n")
    }
}
