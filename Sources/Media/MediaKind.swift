/// What a frame carries. The raw values are those of FLV tag types and of RTMP message types, which agree.
public enum MediaKind: UInt8, Sendable, CaseIterable {
    case audio = 8
    case video = 9
    /// Script data: `onMetaData` and other AMF events that travel in the stream's order.
    case script = 18
}
