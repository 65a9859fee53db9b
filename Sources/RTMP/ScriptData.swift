import Media

extension MediaMessage {
    /// What an encoder puts before metadata that a server is to keep: an AMF0 string.
    static let setDataFrame: [UInt8] = [0x02, 0x00, 0x0D] + Array("@setDataFrame".utf8)
    private static let clearDataFrame: [UInt8] = [0x02, 0x00, 0x0F] + Array("@clearDataFrame".utf8)
    private static let onMetaData: [UInt8] = [0x02, 0x00, 0x0A] + Array("onMetaData".utf8)

    /// Media as viewers are to get it: data messages in AMF0, without the words that were meant for the server.
    init?(type: UInt8, timestamp: UInt32, payload: [UInt8]) {
        switch type {
        case MessageType.audio: self.init(kind: .audio, timestamp: timestamp, payload: payload)
        case MessageType.video: self.init(kind: .video, timestamp: timestamp, payload: payload)
        case MessageType.data, MessageType.dataAMF3:
            let skipped = type == MessageType.dataAMF3 && payload.first == 0 ? 1 : 0
            let body = payload[skipped...]
            if body.starts(with: Self.clearDataFrame) { return nil }
            let start = body.starts(with: Self.setDataFrame) ? skipped + Self.setDataFrame.count : skipped
            guard start < payload.count else { return nil }
            self.init(kind: .script, timestamp: timestamp, payload: start == 0 ? payload : Array(payload[start...]))
        default: return nil
        }
    }

    /// Metadata as a server wants it from an encoder.
    var published: [UInt8] {
        kind == .script && payload.starts(with: Self.onMetaData) ? Self.setDataFrame + payload : payload
    }
}
