/// What AMF3 references point at, within one value (AMF3 §2.2).
///
/// Objects are counted, not kept: a reference to one decodes as undefined. Commands do not need them, and a graph of
/// references is the cheapest of bombs.
struct AMF3Tables {
    struct Traits {
        var names: [String]
        var isDynamic: Bool
    }

    var strings: [String] = []
    var traits: [Traits] = []
    /// Names held by `traits` in all, limited like values.
    var names = 0
}

extension AMFReader {
    /// The next AMF3 value (AMF3 §3).
    mutating func readAMF3(depth: Int, _ tables: inout AMF3Tables) throws(RTMPError) -> AMFValue {
        try enter(depth)
        let marker = try byte()
        switch marker {
        case 0x00: return .undefined
        case 0x01: return .null
        case 0x02: return .boolean(false)
        case 0x03: return .boolean(true)
        case 0x04:
            let raw = Int32(bitPattern: try u29())
            return .number(Double(raw >= 1 << 28 ? raw - (1 << 29) : raw))
        case 0x05: return .number(try double())
        case 0x06: return .string(try string3(&tables))
        case 0x07, 0x0B:
            guard let count = try inlineCount() else { return .undefined }
            return .longString(try text(count: count))
        case 0x08:
            guard try inlineCount() != nil else { return .undefined }
            return .date(try double())
        case 0x09: return try array3(depth, &tables)
        case 0x0A: return try object3(depth, &tables)
        case 0x0C:
            guard let count = try inlineCount() else { return .undefined }
            let start = try need(count)
            return .bytes(Array(bytes[start..<start + count]))
        default: throw .amfUnsupportedType(marker)
        }
    }

    /// A number of one to four bytes, seven bits each and eight in the last (AMF3 §1.3.1).
    private mutating func u29() throws(RTMPError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<3 {
            let next = try byte()
            value = value << 7 | UInt32(next & 0x7F)
            if next < 0x80 { return value }
        }
        return value << 8 | UInt32(try byte())
    }

    /// The count of a value that follows, or nil for a reference to an earlier one.
    private mutating func inlineCount() throws(RTMPError) -> Int? {
        let head = try u29()
        return head & 1 == 1 ? Int(head >> 1) : nil
    }

    private mutating func string3(_ tables: inout AMF3Tables) throws(RTMPError) -> String {
        let head = try u29()
        if head & 1 == 0 {
            let index = Int(head >> 1)
            guard index < tables.strings.count else { throw .amfBadReference }
            return tables.strings[index]
        }
        let string = try text(count: Int(head >> 1))
        if !string.isEmpty { tables.strings.append(string) }
        return string
    }

    private mutating func array3(_ depth: Int, _ tables: inout AMF3Tables) throws(RTMPError) -> AMFValue {
        guard let count = try inlineCount() else { return .undefined }
        var named = AMFObject()
        while true {
            let key = try string3(&tables)
            if key.isEmpty { break }
            named.append(key, try readAMF3(depth: depth + 1, &tables))
        }
        guard count <= left else { throw .amfTruncated }
        var elements: [AMFValue] = []
        for _ in 0..<count { elements.append(try readAMF3(depth: depth + 1, &tables)) }
        if named.members.isEmpty { return .strictArray(elements) }
        for (index, element) in elements.enumerated() { named.append(String(index), element) }
        return .ecmaArray(named)
    }

    private mutating func object3(_ depth: Int, _ tables: inout AMF3Tables) throws(RTMPError) -> AMFValue {
        let head = try u29()
        if head & 1 == 0 { return .undefined }
        let traits = try traits3(head, &tables)
        var object = AMFObject()
        for name in traits.names { object.append(name, try readAMF3(depth: depth + 1, &tables)) }
        while traits.isDynamic {
            let key = try string3(&tables)
            if key.isEmpty { break }
            object.append(key, try readAMF3(depth: depth + 1, &tables))
        }
        return .object(object)
    }

    /// The shape of an object: a reference to an earlier one, or a class name and the names of its members.
    private mutating func traits3(
        _ head: UInt32, _ tables: inout AMF3Tables
    ) throws(RTMPError) -> AMF3Tables.Traits {
        if head & 0b10 == 0 {
            let index = Int(head >> 2)
            guard index < tables.traits.count else { throw .amfBadReference }
            return tables.traits[index]
        }
        // An externalizable object has a form that only its class knows.
        guard head & 0b100 == 0 else { throw .amfUnsupportedType(0x0A) }
        _ = try string3(&tables)
        let count = Int(head >> 4)
        guard count <= left else { throw .amfTruncated }
        tables.names += count
        guard tables.names <= limits.maxAMFValues else { throw .amfTooManyValues(limit: limits.maxAMFValues) }
        var names: [String] = []
        for _ in 0..<count { names.append(try string3(&tables)) }
        let traits = AMF3Tables.Traits(names: names, isDynamic: head & 0b1000 != 0)
        tables.traits.append(traits)
        return traits
    }
}
