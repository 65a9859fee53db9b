import Media

/// Appends AMF0 values to bytes (AMF0 §2).
extension [UInt8] {
    public mutating func append(amf value: AMFValue) {
        switch value {
        case .number(let number):
            append(0x00)
            append(u64: number.bitPattern)
        case .boolean(let boolean):
            append(0x01)
            append(boolean ? 1 : 0)
        case .string(let string):
            if string.utf8.count > 0xFFFF { return append(amf: .longString(string)) }
            append(0x02)
            append(amfKey: string)
        case .object(let object):
            append(0x03)
            append(amfMembers: object)
        case .null: append(0x05)
        case .undefined, .bytes: append(0x06)
        case .ecmaArray(let object):
            append(0x08)
            append(u32: UInt32(object.members.count))
            append(amfMembers: object)
        case .strictArray(let values):
            append(0x0A)
            append(u32: UInt32(values.count))
            for value in values { append(amf: value) }
        case .date(let milliseconds):
            append(0x0B)
            append(u64: milliseconds.bitPattern)
            append(u16: 0)
        case .longString(let string):
            append(0x0C)
            append(u32: UInt32(string.utf8.count))
            append(contentsOf: string.utf8)
        }
    }

    public mutating func append(amf values: [AMFValue]) {
        for value in values { append(amf: value) }
    }

    /// A key has 16 bits of length: a longer one is cut.
    private mutating func append(amfKey key: String) {
        let utf8 = key.utf8.prefix(0xFFFF)
        append(u16: UInt16(utf8.count))
        append(contentsOf: utf8)
    }

    private mutating func append(amfMembers object: AMFObject) {
        for member in object.members {
            append(amfKey: member.key)
            append(amf: member.value)
        }
        append(u24: 0x09)
    }
}
