import Media

/// A command message: a name, a transaction number and values (RTMP 1.0 §7.2).
struct Command {
    let name: String
    let transaction: Double
    /// What follows the transaction number; the first is the command object, or null.
    let values: [AMFValue]

    init(_ message: Message, limits: Limits) throws(RTMPError) {
        let bytes = message.payload
        // An AMF3 command begins with a zero and goes on in AMF0.
        let start = message.type == MessageType.commandAMF3 && bytes.count > 0 && bytes[0] == 0 ? 1 : 0
        var reader = AMFReader(bytes, from: start, limits: limits)
        var all = try reader.readAll()
        guard let name = all.first?.string else { throw .malformedCommand }
        self.name = name
        // Some encoders leave out the number where they await no answer.
        transaction = all.count > 1 ? all[1].number ?? 0 : 0
        all.removeFirst(min(2, all.count))
        values = all
    }

    subscript(index: Int) -> AMFValue? { index < values.count ? values[index] : nil }
}

extension AMFValue {
    /// The information object of an `onStatus` (RTMP 1.0 §7.2.2).
    static func status(_ code: String, _ description: String, level: String = "status") -> AMFValue {
        .object(["level": .string(level), "code": .string(code), "description": .string(description)])
    }
}
