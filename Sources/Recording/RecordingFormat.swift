/// What a recorded file holds. The bytes come from a log of that format; this module never looks into them.
public enum RecordingFormat: String, Sendable, CaseIterable {
    case fmp4, flv, ts

    public var fileExtension: String {
        switch self {
        case .fmp4: "mp4"
        case .flv: "flv"
        case .ts: "ts"
        }
    }

    init?(fileExtension: String) {
        guard let format = RecordingFormat.allCases.first(where: { $0.fileExtension == fileExtension }) else {
            return nil
        }
        self = format
    }

    /// A file of fragmented MP4 says its codecs once, at its start; the others say them again as they change.
    var holdsOneConfiguration: Bool { self == .fmp4 }
}
