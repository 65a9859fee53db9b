/// What a chunk stream remembers from chunk to chunk: the header that later, shorter ones lean on, and the payload so
/// far of the message that is under way.
struct ChunkStream {
    let id: UInt32
    private(set) var length = 0
    private(set) var type: UInt8 = 0
    private(set) var messageStream: UInt32 = 0
    private(set) var timestamp: UInt32 = 0
    /// What a message with a format 3 header adds to the timestamp.
    private(set) var delta: UInt32 = 0
    /// The value of the last extended timestamp field, if the last header had one.
    private(set) var extended: UInt32?
    /// Whether the last header of this chunk stream carried a timestamp, not a delta.
    private(set) var isAbsolute = false
    /// Whether a message has begun and is not whole.
    private(set) var isOpen = false
    var payload: [UInt8] = []

    init(id: UInt32) { self.id = id }

    mutating func apply(_ header: ChunkHeader) {
        if header.format == 3 {
            if !isOpen { continueTimeline(header) }
            isOpen = true
            return
        }
        payload = []
        isOpen = true
        isAbsolute = header.format == 0
        extended = header.extended
        delta = header.extended ?? header.time
        timestamp = isAbsolute ? delta : timestamp &+ delta
        if header.format <= 1 {
            length = header.length
            type = header.type
        }
        if header.format == 0 { messageStream = header.messageStream }
    }

    /// A message whose header says nothing: the delta of the last one applies, and after a full header its timestamp
    /// counts as the delta (RTMP 1.0 §5.3.1.2.4); ffmpeg and librtmp write and read it so.
    ///
    /// With an extended timestamp that rule would double a time of hours, and the encoders that get here (old FMLE
    /// and hardware ones) mean the field as a time: it is taken as one, and without the field the time stands still.
    private mutating func continueTimeline(_ header: ChunkHeader) {
        guard extended != nil else {
            timestamp &+= delta
            return
        }
        if let value = header.extended, isAbsolute || value != delta {
            timestamp = value
            extended = value
            isAbsolute = true
        } else if !isAbsolute {
            timestamp &+= delta
        }
    }

    mutating func takeMessage() -> Message {
        var whole: [UInt8] = []
        swap(&whole, &payload)
        isOpen = false
        return Message(type: type, timestamp: timestamp, streamID: messageStream, payload: whole)
    }

    mutating func abandon() {
        payload = []
        isOpen = false
    }
}
