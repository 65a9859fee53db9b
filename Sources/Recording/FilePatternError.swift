/// Why a pattern for file names is refused, for the operator who wrote it.
public enum FilePatternError: Error, Equatable, CustomStringConvertible {
    case empty
    case tooLong(bytes: Int)
    case tooDeep(Int)
    case controlCharacter
    case absolute(String)
    case emptyComponent(String)
    case traversal(String)
    case hidden(String)
    case strayBrace(String)
    case unknownField(String)
    case noExtension(String)
    case fixedExtension(String, RecordingFormat)
    case noStream(String)

    public var description: String {
        switch self {
        case .empty:
            "record.pattern is empty; leave it out for \(FilePattern.standard.text)"
        case .tooLong(let bytes):
            "record.pattern has \(bytes) bytes; at most \(FilePattern.maxBytes) are allowed"
        case .tooDeep(let count):
            "record.pattern has \(count) parts between slashes; at most \(FilePattern.maxComponents) are allowed"
        case .controlCharacter:
            "record.pattern holds a control character; remove it"
        case .absolute(let text):
            "record.pattern “\(text)” begins with a slash; it is a path below record.path, so remove the slash"
        case .emptyComponent(let text):
            "record.pattern “\(text)” has two slashes in a row, or one at its end; it must end with a file's name"
        case .traversal(let text):
            "record.pattern “\(text)” leads out of record.path; remove the parts that are “.” or “..”"
        case .hidden(let component):
            "“\(component)” in record.pattern begins with a dot, which hides the files; begin it with another character"
        case .strayBrace(let component):
            "“\(component)” in record.pattern has a brace without its partner; write fields as {stream}"
        case .unknownField(let name):
            "record.pattern has a field {\(name)}, which does not exist; there are "
                + FilePattern.Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")
        case .noExtension(let text):
            "record.pattern “\(text)” does not end with .{ext}; add it, so that players know the format"
        case .fixedExtension(let text, let format):
            "record.pattern “\(text)” ends with .\(format.fileExtension) whatever record.format is; write .{ext} in its place"
        case .noStream(let text):
            "record.pattern “\(text)” has no {stream}; add it, or all streams' files lie under the same names"
        }
    }
}
