/// Asks the peer for a stream.
public struct Subscribe: Sendable, Equatable {
    /// The asker's number for this question, answered by `Subscribed` or `Refused`; not 0, which is the connection.
    public var request: UInt32
    public var name: RelayStreamName
    public var from: ResumePoint
    /// The first frame that somebody behind the asker, who has the stream from elsewhere so far, is still without. Of
    /// the keyframes that there are, the newest one that is not after it is asked for.
    public var needed: FrameNumber?
    /// Bytes of frames that the parent may send before it is granted more.
    public var credit: UInt32
    /// 0 is the usual class of service; a higher one is served first and refused last.
    public var serviceClass: UInt8

    public init(
        request: UInt32, name: RelayStreamName, from: ResumePoint, needed: FrameNumber? = nil, credit: UInt32,
        serviceClass: UInt8 = 0
    ) {
        self.request = request
        self.name = name
        self.from = from
        self.needed = needed
        self.credit = credit
        self.serviceClass = serviceClass
    }

    /// What a node that has to get the stream first is to ask for, so that nothing is missing for this one.
    public var firstNeeded: FrameNumber? {
        switch from {
        case .at(let number): number
        case .keyframe: needed
        case .live: nil
        }
    }
}

/// The stream follows.
public struct Subscribed: Sendable, Equatable {
    public var request: UInt32
    /// The parent's number for the stream, the same for all its children; not 0.
    public var stream: UInt32
    /// The number of the first frame that will follow, prologue aside.
    public var first: FrameNumber
    public var continuity: Continuity
    /// From the ingest node to the parent.
    public var path: RelayPath

    public init(request: UInt32, stream: UInt32, first: FrameNumber, continuity: Continuity, path: RelayPath) {
        self.request = request
        self.stream = stream
        self.first = first
        self.continuity = continuity
        self.path = path
    }
}

/// A request is not granted. Request 0 is the connection itself, which closes.
public struct Refused: Sendable, Equatable {
    public var request: UInt32
    public var reason: RefusalReason
    /// For the operator at the other end; cut to `RelayLimits.text` bytes.
    public var text: String
    /// Who may be asked instead; no more than `RelayLimits.places` are sent.
    public var elsewhere: [RelayPlace]

    public init(request: UInt32, reason: RefusalReason, text: String = "", elsewhere: [RelayPlace] = []) {
        self.request = request
        self.reason = reason
        self.text = text
        self.elsewhere = elsewhere
    }
}

/// Tells a parent that a stream is published here, or below here.
public struct Announce: Sendable, Equatable {
    public var name: RelayStreamName
    public var epoch: UInt64
    /// Of two live publishers of one stream, viewers follow the one with the higher priority.
    public var priority: UInt16
    /// From the ingest node to the one that announces.
    public var path: RelayPath

    public init(name: RelayStreamName, epoch: UInt64, priority: UInt16, path: RelayPath) {
        self.name = name
        self.epoch = epoch
        self.priority = priority
        self.path = path
    }
}

/// The sender drains: no new subscription is taken, and those that are have to move within the grace.
public struct Goaway: Sendable, Equatable {
    public var graceMilliseconds: UInt32
    public var text: String
    public var elsewhere: [RelayPlace]

    public init(graceMilliseconds: UInt32, text: String = "", elsewhere: [RelayPlace] = []) {
        self.graceMilliseconds = graceMilliseconds
        self.text = text
        self.elsewhere = elsewhere
    }
}
