//! What the viewers of HLS saw, added up. One for all viewers of a run.

final class HLSTally {
    var isMeasuring = false
    var bytes: UInt64 = 0
    var playlists: UInt64 = 0
    var segments: UInt64 = 0
    var partsFetched: UInt64 = 0
    /// Parts that were announced and never came: their segment was whole before.
    var hintsMissed: UInt64 = 0
    var reconnects: UInt64 = 0
    var failures: UInt64 = 0
    /// Answers that the kernel says came before they were asked for.
    var misdated: UInt64 = 0
    private(set) var reasons: [String: Int] = [:]
    /// From the question to the last byte of the answer.
    private(set) var playlistTime = Histogram()
    private(set) var segmentTime = Histogram()
    var parts = PartWatch()
    private var lastText: [UInt8] = []
    private var lastRead = LivePlaylist([])

    func fail(_ reason: String) {
        failures += 1
        reasons[reason, default: 0] += 1
    }

    /// What a playlist says. Those who ask at the same time are told the same: it is read once for them all.
    func read(_ text: [UInt8]) -> LivePlaylist {
        if text != lastText { (lastText, lastRead) = (text, LivePlaylist(text)) }
        return lastRead
    }

    func playlist(_ took: UInt64) {
        playlists += 1
        if isMeasuring { playlistTime.record(nanoseconds: took) }
    }

    func segment(_ took: UInt64) {
        segments += 1
        if isMeasuring { segmentTime.record(nanoseconds: took) }
    }
}
