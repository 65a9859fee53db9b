/// Why a call was refused: a number that goes over the wire to the caller, and the words for it.
///
/// Below 1000 are the library's own reasons, from 1000 the standard ones of the SRT access control guidelines (the HTTP
/// code plus 1000), from 2000 whatever two applications have agreed upon.
import CSRT

public struct SRTRejection: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let badRequest = SRTRejection(rawValue: 1400)
    public static let unauthorized = SRTRejection(rawValue: 1401)
    public static let overload = SRTRejection(rawValue: 1402)
    public static let forbidden = SRTRejection(rawValue: 1403)
    public static let notFound = SRTRejection(rawValue: 1404)
    public static let badMode = SRTRejection(rawValue: 1405)
    public static let unacceptable = SRTRejection(rawValue: 1406)
    public static let conflict = SRTRejection(rawValue: 1409)
    public static let unsupportedMedia = SRTRejection(rawValue: 1415)
    public static let locked = SRTRejection(rawValue: 1423)
    public static let internalError = SRTRejection(rawValue: 1500)
    public static let unimplemented = SRTRejection(rawValue: 1501)
    /// A stand-in answers: the service is down for maintenance, or on its way out.
    public static let down = SRTRejection(rawValue: 1503)

    /// A reason that none of the others says.
    public static let unspecified = SRTRejection(rawValue: 1000)

    public static let byPeer = SRTRejection(SRT_REJ_PEER)
    public static let resources = SRTRejection(SRT_REJ_RESOURCE)
    public static let backlog = SRTRejection(SRT_REJ_BACKLOG)
    public static let version = SRTRejection(SRT_REJ_VERSION)
    public static let wrongPassphrase = SRTRejection(SRT_REJ_BADSECRET)
    /// One side has a passphrase, and the other has none.
    public static let encryptionMismatch = SRTRejection(SRT_REJ_UNSECURE)
    public static let timeout = SRTRejection(SRT_REJ_TIMEOUT)

    init(_ reason: SRT_REJECT_REASON) { rawValue = Int32(reason.rawValue) }

    public var description: String { "\(words) (SRT reject code \(rawValue))" }

    /// Without the number.
    public var words: String {
        switch self {
        case .unspecified: "rejected"
        case .badRequest: "the stream id is not understood"
        case .unauthorized: "not authorized"
        case .overload: "overloaded, or over a limit"
        case .forbidden: "forbidden"
        case .notFound: "no such stream"
        case .badMode: "the mode is not possible here"
        case .unacceptable: "what is asked for cannot be met"
        case .conflict: "the stream is already being published"
        case .unsupportedMedia: "the type is not supported"
        case .locked: "the stream is locked"
        case .internalError: "internal error"
        case .unimplemented: "not implemented"
        case .down: "out of service for now"
        case .wrongPassphrase: "wrong passphrase"
        case .encryptionMismatch: "one side has a passphrase and the other has none"
        case .timeout: "no answer in time"
        case .backlog: "too many calls wait to be accepted"
        default: rawValue < 1000 ? String(cString: srt_rejectreason_str(rawValue)) : "rejected"
        }
    }
}
