import Media

/// Which programs a stream has and on which PIDs their maps come (the PAT, ISO/IEC 13818-1 §2.4.4.3), gathered over its
/// sections.
struct ProgramAssociation: Sendable {
    struct Entry: Sendable, Equatable {
        let number: UInt16
        let mapPID: UInt16
    }

    private(set) var entries: [Entry] = []
    /// All sections of the table have been seen since the last change.
    private(set) var isComplete = false
    private(set) var dropped: UInt64 = 0
    private var checksums: [UInt8: UInt32] = [:]
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Takes one section, and returns whether it says something new.
    mutating func take(_ section: PSISection, _ bytes: Span<UInt8>) -> Bool {
        guard checksums[section.index] != section.checksum else { return false }
        // A changed section is a new version of the table.
        if checksums[section.index] != nil {
            checksums = [:]
            entries = []
        }
        checksums[section.index] = section.checksum
        let content = bytes.extracting(section.content)
        for position in stride(from: 0, to: content.count - 3, by: 4) {
            let entry = Entry(number: content.u16(at: position), mapPID: content.u16(at: position + 2) & 0x1fff)
            // Number 0 is the network's own table.
            guard entry.number != 0, entry.mapPID != TSPacket.nullPID, !entries.contains(entry) else { continue }
            guard entries.count < limit else {
                dropped += 1
                continue
            }
            entries.append(entry)
        }
        isComplete = checksums.count > Int(section.lastIndex)
        return true
    }

    func program(_ wanted: UInt16?) -> Entry? {
        guard let wanted else { return entries.first }
        return entries.first { $0.number == wanted }
    }
}
