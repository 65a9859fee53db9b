import Media

/// One tag of an FLV stream, as `FLVReader` hands it out.
public struct FLVFrame: Sendable, Equatable {
    public var kind: MediaKind
    public var timestamp: UInt32
    public var payload: [UInt8]

    public init(kind: MediaKind, timestamp: UInt32, payload: [UInt8]) {
        self.kind = kind
        self.timestamp = timestamp
        self.payload = payload
    }
}
