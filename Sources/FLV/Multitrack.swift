import Media

/// How the tracks of a multitrack message are laid out (E-RTMP v2, "AvMultitrackType").
enum Multitrack: UInt8, Sendable {
    case oneTrack = 0
    case manyTracks = 1
    case manyTracksManyCodecs = 2

    /// The head of one track: its number and, unless it is alone, its size.
    struct Track {
        let id: UInt8
        /// Where its bytes end, by its own account: to be compared with the message's.
        let end: Int

        /// nil if the message ends first.
        init?(_ body: Span<UInt8>, _ position: inout Int, layout: Multitrack) {
            guard position < body.count else { return nil }
            id = body[position]
            position += 1
            guard layout != .oneTrack else {
                end = body.count
                return
            }
            guard position + 3 <= body.count else { return nil }
            let size = Int(body.u24(at: position))
            position += 3
            end = position + size
        }
    }
}
