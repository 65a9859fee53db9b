/// The MUST rules of RFC 8216bis (draft 22) for a live media playlist and its reloads, as far as text can show them.
struct PlaylistChecker {
    private(set) var complaints: [String] = []
    private(set) var reloads = 0
    private(set) var last: ParsedPlaylist?
    /// Numbers jumped since the last check: the playlist may begin anew.
    var mayJump = false
    /// Another session began since the last check: the target may grow.
    var mayGrow = false

    mutating func check(_ bytes: [UInt8]) {
        do {
            let playlist = try ParsedPlaylist(bytes)
            check(alone: playlist)
            if let last { check(playlist, after: last) }
            last = playlist
            reloads += 1
            mayGrow = false
        } catch {
            complaints.append("\(error)\n\(String(decoding: bytes, as: UTF8.self))")
        }
        if !complaints.isEmpty, complaints.count < 3 {
            complaints.append(String(decoding: bytes, as: UTF8.self))
        }
    }

    private mutating func expect(_ isTrue: Bool, _ complaint: @autoclosure () -> String) {
        if !isTrue { complaints.append(complaint()) }
    }

    // MARK: One playlist

    private mutating func check(alone list: ParsedPlaylist) {
        expect(list.target >= 1, "§4.4.3.1 no target")
        expect(!list.entries.isEmpty, "no segments")
        for entry in list.entries {
            expect((entry.duration + 500_000) / 1_000_000 <= list.target, "§4.4.3.1 \(entry.uri) is too long")
        }
        let isFragmented = list.entries.contains { $0.uri.hasSuffix(".m4s") }
        expect(list.version >= (list.skipped > 0 ? 9 : isFragmented ? 6 : 3), "§8 version \(list.version)")
        if isFragmented && list.skipped == 0 {
            expect(list.entries.allSatisfy { $0.map != nil }, "§4.4.4.5 no map")
        }
        checkControl(list)
        checkDates(list)
        if list.partTarget != nil { checkParts(list) }
    }

    private mutating func checkControl(_ list: ParsedPlaylist) {
        func seconds(_ name: String) -> Int64? { list.control[name].flatMap { try? ParsedPlaylist.seconds($0) } }
        if let skip = seconds("CAN-SKIP-UNTIL") {
            expect(skip >= 6 * list.target * 1_000_000, "§4.4.3.8 CAN-SKIP-UNTIL")
        }
        if let hold = seconds("HOLD-BACK") { expect(hold >= 3 * list.target * 1_000_000, "§4.4.3.8 HOLD-BACK") }
        guard let part = list.partTarget else { return }
        expect((seconds("PART-HOLD-BACK") ?? 0) >= 3 * part, "§4.4.3.8 PART-HOLD-BACK")
        expect(list.control["CAN-BLOCK-RELOAD"] == "YES", "B.1 CAN-BLOCK-RELOAD")
    }

    private mutating func checkDates(_ list: ParsedPlaylist) {
        var end: Int64?
        for entry in list.entries {
            if let date = entry.date.flatMap(Self.milliseconds) {
                if let end { expect(date * 1_000 > end - 1_000_000, "§6.2.1 \(entry.uri): its date is ambiguous") }
                end = date * 1_000 + entry.duration
            } else {
                expect(entry.date == nil, "\(entry.date ?? "") is no date")
                end = end.map { $0 + entry.duration }
            }
        }
    }

    private mutating func checkParts(_ list: ParsedPlaylist) {
        guard let target = list.partTarget else { return }
        let all = list.entries + [list.open]
        let length = list.entries.reduce(0) { $0 + $1.duration } + list.open.parts.reduce(0) { $0 + $1.duration }
        var start: Int64 = 0
        for entry in all {
            if !entry.parts.isEmpty, !entry.uri.isEmpty {
                expect(length - start <= 3 * list.target * 1_000_000, "§6.2.2 \(entry.uri) has parts still")
            }
            start += entry.duration
            for (index, part) in entry.parts.enumerated() {
                let name = "\(entry.number).\(index).m4s"
                expect(part.uri.hasSuffix(name), "\(part.uri) is not \(name)")
                expect(part.duration <= target, "§4.4.4.9 \(part.uri) is longer than the target")
                let isLast = index == entry.parts.count - 1
                let isLong = part.duration * 100 >= target * 85
                expect(isLast || part.isIndependent || isLong, "§4.4.4.9 \(part.uri) is shorter than 85 %")
            }
        }
        let next = "\(list.open.number).\(list.open.parts.count).m4s"
        expect(list.isEnded ? list.hint == nil : list.hint?.hasSuffix(next) == true, "B.1 hint \(list.hint ?? "none")")
    }

    // MARK: Reloads

    private mutating func check(_ list: ParsedPlaylist, after last: ParsedPlaylist) {
        expect(list.sequence >= last.sequence, "§6.2.2 the sequence goes back")
        expect(list.discontinuitySequence >= last.discontinuitySequence, "§6.2.2 the discontinuity sequence goes back")
        expect(list.target == last.target || mayGrow && list.target > last.target, "§6.2.1 the target changes")
        let isOtherSession = list.discontinuities.upperBound > last.discontinuities.upperBound
        expect(
            list.partTarget == last.partTarget || isOtherSession && list.partTarget ?? 0 > last.partTarget ?? 0,
            "§6.2.1 the part target changes")
        expect(!last.isEnded, "§4.4.3.4 something follows the end")
        let lastNumber = last.sequence + UInt64(last.entries.count)
        guard list.sequence <= lastNumber, !list.entries.isEmpty else {
            expect(mayJump, "§6.2.2 segments \(lastNumber) to \(list.sequence) were never listed")
            mayJump = false
            return
        }
        let removed = Int(list.sequence - last.sequence)
        expect(list.entries.count >= last.entries.count - removed, "§6.2.1 segments vanish from the end")
        for (before, now) in zip(last.entries.dropFirst(removed), list.entries) {
            expect(before.lasting == now.lasting, "§6.2.1 \(before) became \(now)")
            expect(now.parts.isEmpty || now.parts == before.parts, "§6.2.1 parts of \(now.uri) change")
        }
        if removed > 0, !list.isEnded {
            let length = list.entries.reduce(0) { $0 + $1.duration }
            expect(length >= 3 * list.target * 1_000_000, "§6.2.2 less than three targets remain")
        }
        let open = list.entries.first { $0.number == last.open.number } ?? list.open
        if open.number == last.open.number, !list.isEnded,
            !(open.parts.isEmpty && !last.open.parts.isEmpty && open.isGap)
        {
            expect(open.parts.starts(with: last.open.parts), "§6.2.1 parts of the open segment change")
            expect(last.open.parts.isEmpty || open.discontinuity == last.open.discontinuity, "§6.2.2 discontinuity")
        }
    }

    /// What a client has that applies a delta update to an older playlist.
    static func merge(_ delta: ParsedPlaylist, into old: ParsedPlaylist) -> ParsedPlaylist? {
        var merged = delta
        guard delta.skipped > 0 else { return merged }
        let skipped = old.entries.filter {
            $0.number >= delta.sequence && $0.number < delta.sequence + UInt64(delta.skipped)
        }
        guard skipped.count == delta.skipped, let newest = skipped.last else { return nil }
        // Maps and discontinuities go on from what was skipped.
        let discontinuities = newest.discontinuity - delta.discontinuitySequence
        var map = newest.map
        for index in merged.entries.indices {
            merged.entries[index].discontinuity += discontinuities
            map = merged.entries[index].map ?? map
            merged.entries[index].map = map
        }
        merged.open.discontinuity += discontinuities
        merged.open.map = merged.open.map ?? map
        merged.entries = skipped.map(\.lasting) + merged.entries
        merged.skipped = 0
        return merged
    }

    static func milliseconds(_ date: String) -> Int64? {
        let fields = date.split { "-T:.Z".contains($0) }.compactMap { Int64($0) }
        guard fields.count == 7, date.utf8.count == 24, date.hasSuffix("Z") else { return nil }
        var day: Int64 = 0
        let isLeap = { (year: Int64) in year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        for year in 1970..<fields[0] { day += isLeap(year) ? 366 : 365 }
        let months: [Int64] = [31, isLeap(fields[0]) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        day += months.prefix(Int(fields[1]) - 1).reduce(0, +) + fields[2] - 1
        return ((day * 24 + fields[3]) * 60 + fields[4]) * 60_000 + fields[5] * 1_000 + fields[6]
    }
}
