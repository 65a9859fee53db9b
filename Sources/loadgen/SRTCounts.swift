//! What libsrt counted on a connection, or on many, added up.

import CSRT

struct SRTCounts {
    /// Packets of media sent, those sent again included.
    var sent: Int64 = 0
    var resent: Int64 = 0
    /// Packets that were too old to be sent still.
    var sendDropped: Int64 = 0
    var received: Int64 = 0
    /// Packets missing when a later one came: lost on the way, or late.
    var lost: Int64 = 0
    /// Packets that came only after their time, or never: the viewer saw a hole.
    var dropped: Int64 = 0
    var undecrypted: Int64 = 0
    /// The longest of all, in milliseconds.
    var roundTrip = 0.0

    init() {}

    init(_ stats: SRT_TRACEBSTATS) {
        sent = stats.pktSentTotal
        resent = Int64(stats.pktRetransTotal)
        sendDropped = Int64(stats.pktSndDropTotal)
        received = stats.pktRecvTotal
        lost = Int64(stats.pktRcvLossTotal)
        dropped = Int64(stats.pktRcvDropTotal)
        undecrypted = Int64(stats.pktRcvUndecryptTotal)
        roundTrip = stats.msRTT
    }

    static func += (sum: inout SRTCounts, more: SRTCounts) {
        for field in [\SRTCounts.sent, \.resent, \.sendDropped, \.received, \.lost, \.dropped, \.undecrypted] {
            sum[keyPath: field] += more[keyPath: field]
        }
        sum.roundTrip = max(sum.roundTrip, more.roundTrip)
    }

    func addPublished(to report: inout Report) {
        report.add("srt_sent", "SRT packets published", Int(sent))
        report.add("srt_resent", "  sent again", Int(resent))
        report.add("srt_send_dropped", "  too old to be sent", Int(sendDropped))
        report.add("srt_publish_rtt_ms", "  round trip, max, ms", roundTrip)
    }

    func addPlayed(to report: inout Report) {
        report.add("srt_received", "SRT packets received", Int(received))
        report.add("srt_lost", "  lost or late at first", Int(lost))
        report.add("srt_dropped", "  dropped, come too late or never", Int(dropped))
        report.add("srt_undecrypted", "  not decrypted", Int(undecrypted))
        report.add("srt_play_rtt_ms", "  round trip, max, ms", roundTrip)
    }
}
