/// The rules of RFC 8216bis for the media playlists of one stream side by side, as a client has them that asks for all at
/// the same moment.
struct RenditionChecker {
    private(set) var complaints: [String] = []
    private(set) var reports = 0

    private mutating func expect(_ isTrue: Bool, _ complaint: @autoclosure () -> String) {
        if !isTrue, complaints.count < 8 { complaints.append(complaint()) }
    }

    /// `lists`: by their addresses.
    mutating func check(_ lists: [String: ParsedPlaylist]) {
        for (name, list) in lists {
            for (otherName, other) in lists where otherName != name {
                check(name, list, otherName, other)
                check(
                    report: list.reports.filter { $0["URI"] == otherName }, in: list, on: other,
                    "\(name) of \(otherName)")
            }
            expect(list.reports.count <= lists.count - 1, "§4.4.5.4 \(name) reports on itself or on nobody")
        }
    }

    private mutating func check(
        _ name: String, _ list: ParsedPlaylist, _ otherName: String, _ other: ParsedPlaylist
    ) {
        expect(list.target == other.target, "§6.2.4 targets of \(name) and \(otherName) differ")
        if let part = other.partTarget, let back = list.control["PART-HOLD-BACK"] {
            let seconds = (try? ParsedPlaylist.seconds(back)) ?? 0
            expect(seconds >= 3 * part, "§4.4.3.8 PART-HOLD-BACK of \(name) is below three parts of \(otherName)")
        }
        let known = Dictionary(other.entries.map { ($0.number, $0) }) { one, _ in one }
        for entry in list.entries {
            guard let same = known[entry.number] else { continue }
            expect(same.discontinuity == entry.discontinuity, "§6.2.4 \(entry.uri): another discontinuity")
            guard let one = entry.date.flatMap(PlaylistChecker.milliseconds),
                let two = same.date.flatMap(PlaylistChecker.milliseconds)
            else { continue }
            expect(abs(one - two) <= 60, "\(entry.uri) begins \(one - two) ms after \(same.uri)")
            guard !entry.isGap, !same.isGap else { continue }
            expect(
                abs(entry.duration - same.duration) <= 100_000, "\(entry.uri): \(entry.duration) of \(same.duration)")
        }
    }

    private mutating func check(
        report found: [[String: String]], in list: ParsedPlaylist, on other: ParsedPlaylist, _ place: String
    ) {
        guard list.partTarget != nil, !list.isEnded else {
            return expect(list.reports.isEmpty, "§4.4.5.4 \(place): reports where nobody waits for parts")
        }
        expect(found.count == 1, "B.1 \(place): \(found.count) reports")
        guard let report = found.first else { return }
        reports += 1
        let newest = other.newest
        expect(report["LAST-MSN"] == "\(newest.number)", "§4.4.5.4 \(place): LAST-MSN \(report), is \(newest)")
        expect(
            report["LAST-PART"] == newest.part.map { "\($0)" }, "§4.4.5.4 \(place): LAST-PART \(report), is \(newest)")
    }
}
