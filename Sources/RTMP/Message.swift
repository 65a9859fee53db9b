import Media

/// A whole RTMP message, as the chunks that carried it spell it out.
public struct Message: Sendable, Equatable {
    public var type: UInt8
    public var timestamp: UInt32
    public var streamID: UInt32
    public var payload: [UInt8]

    public init(type: UInt8, timestamp: UInt32, streamID: UInt32, payload: [UInt8]) {
        self.type = type
        self.timestamp = timestamp
        self.streamID = streamID
        self.payload = payload
    }
}

/// The message types of RTMP 1.0 §5.4, §6.2 and §7.1.
enum MessageType {
    static let setChunkSize: UInt8 = 1
    static let abort: UInt8 = 2
    static let acknowledgement: UInt8 = 3
    static let userControl: UInt8 = 4
    static let windowAckSize: UInt8 = 5
    static let setPeerBandwidth: UInt8 = 6
    static let audio: UInt8 = 8
    static let video: UInt8 = 9
    static let dataAMF3: UInt8 = 15
    static let commandAMF3: UInt8 = 17
    static let data: UInt8 = 18
    static let command: UInt8 = 20
    static let aggregate: UInt8 = 22
}

/// The user control events of RTMP 1.0 §7.1.7.
enum UserControl {
    static let streamBegin: UInt16 = 0
    static let streamEOF: UInt16 = 1
    static let setBufferLength: UInt16 = 3
    static let pingRequest: UInt16 = 6
    static let pingResponse: UInt16 = 7
}

/// One audio, video or script message of a stream.
public struct MediaMessage: Sendable, Equatable {
    public var kind: MediaKind
    /// Milliseconds, as the publisher counts them; rolls over.
    public var timestamp: UInt32
    public var payload: [UInt8]

    public init(kind: MediaKind, timestamp: UInt32, payload: [UInt8]) {
        self.kind = kind
        self.timestamp = timestamp
        self.payload = payload
    }
}
