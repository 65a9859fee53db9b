/// Why a stream id is not understood, and what to send instead.
public enum StreamIDError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooLong(Int)
    case notUTF8
    case controlCharacter(UInt8)
    case empty
    case noName
    case emptyPart(String)
    case tooManyParts(String)
    case nested
    case unknownSyntax
    case noValue(String)
    case repeated(String)
    case unknownMode(String)
    case unsupportedType(String)

    public var description: String { "the SRT stream id \(fault); send \(advice)" }

    /// The code that goes to the caller: SRT's predefined ones.
    public var rejectCode: Int32 {
        switch self {
        case .unknownMode: 1405
        case .unsupportedType: 1415
        default: 1400
        }
    }

    private var fault: String {
        switch self {
        case .tooLong(let count): "has \(count) bytes; the limit is \(StreamID.limit)"
        case .notUTF8: "is not UTF-8"
        case .controlCharacter(let byte): "holds a control character (byte \(byte))"
        case .empty: "is missing, or empty"
        case .noName: "names no stream"
        case .emptyPart(let path): "has an empty part in \"\(path)\""
        case .tooManyParts(let path): "has more than an application and a name in \"\(path)\""
        case .nested: "has the nested form #!{…}, which is not supported"
        case .unknownSyntax: "begins with #! and is not of the form #!::key=value,…"
        case .noValue(let item): "has \"\(item)\" where key=value is expected"
        case .repeated(let key): "says \(key)= more than once"
        case .unknownMode(let mode): "has the mode \"\(mode)\", which is neither publish nor request"
        case .unsupportedType(let type): "asks for the type \"\(type)\"; only t=stream is served"
        }
    }

    private var advice: String {
        switch self {
        case .nested, .unknownSyntax, .noValue, .repeated, .unsupportedType:
            "#!::r=app/name,m=publish (or m=request to play)"
        case .unknownMode: "m=publish or m=request, or in short publish:app/name or read:app/name"
        default: "publish:app/name or read:app/name, or #!::r=app/name,m=publish"
        }
    }
}
