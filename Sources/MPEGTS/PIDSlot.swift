/// What the reader does with the packets of one PID.
struct PIDSlot: Sendable {
    enum Kind: Sendable {
        /// The PAT.
        case association
        /// The PMT of the chosen program.
        case map
        case stream
        /// Sections of a data stream, SCTE-35.
        case sections
    }

    let pid: UInt16
    let kind: Kind
    var continuity = Continuity()
    var sections = SectionAssembler()
    /// Of `stream` alone. Apart from it, so that packets touch nothing else.
    var pes = PESAssembler()
    let unitLimit: Int
    /// Of `stream` and `sections`; nil also while its unit is being delivered.
    var stream: ElementaryStream?

    init(pid: UInt16, kind: Kind, stream: ElementaryStream? = nil, unitLimit: Int = 0) {
        self.pid = pid
        self.kind = kind
        self.stream = stream
        self.unitLimit = unitLimit
    }
}
