/// The text of a live playlist (RFC 8216bis §4), in one pass over the window.
extension MediaPlaylist {
    /// The playlist, or nil while ``isReady`` is false.
    ///
    /// `skip`: a delta update is wanted (§6.2.5.1); it is the whole playlist where there is nothing to skip, where
    /// deltas are not offered, and at the stream's end. `reports`: of the stream's other renditions. `query`: goes
    /// behind every URI, such as a viewer's token; escaped by the caller.
    public func render(
        skip: PlaylistRequest.Skip = .none, reports: [RenditionReport] = [], query: String = ""
    ) -> [UInt8]? {
        guard isReady, let first = listed.first else { return nil }
        let query = PlaylistText.query(query)
        let skipped = skip == .none ? 0 : skippable
        var out = PlaylistText(capacity: capacity(skipped: skipped, query: query.count))
        head(&out, first, version: version(skip, skipped))
        if skipped > 0 {
            out.put("#EXT-X-SKIP:SKIPPED-SEGMENTS=")
            out.put(number: UInt64(skipped))
            if skip == .segmentsAndDateRanges { out.put(",RECENTLY-REMOVED-DATERANGES=\"\"") }
            out.end()
        }
        var before = skipped > 0 ? segments[firstListed + skipped - 1] : nil
        for index in (firstListed + skipped)..<segments.count {
            tags(&out, segments[index], after: before, query: query)
            if index >= firstWithParts { parts(&out, segments[index], query: query) }
            uri(&out, segments[index], query: query)
            before = segments[index]
        }
        edge(&out, after: before, reports: reports, query: query)
        return out.bytes
    }

    private func version(_ skip: PlaylistRequest.Skip, _ skipped: Int) -> UInt64 {
        if skipped > 0 { return skip == .segmentsAndDateRanges ? 10 : 9 }
        return settings.form == .transportStream ? 3 : 6
    }

    private func head(_ out: inout PlaylistText, _ first: WindowSegment, version: UInt64) {
        out.put("#EXTM3U\n#EXT-X-VERSION:")
        out.put(number: version)
        out.put("\n#EXT-X-TARGETDURATION:")
        out.put(number: UInt64(target))
        out.end()
        if hasIndependentSegments { out.line("#EXT-X-INDEPENDENT-SEGMENTS") }
        control(&out)
        out.put("#EXT-X-MEDIA-SEQUENCE:")
        out.put(number: UInt64(first.number))
        out.put("\n#EXT-X-DISCONTINUITY-SEQUENCE:")
        out.put(number: UInt64(first.discontinuity))
        out.end()
    }

    private func control(_ out: inout PlaylistText) {
        out.put("#EXT-X-SERVER-CONTROL:")
        if settings.canBlockReload { out.put("CAN-BLOCK-RELOAD=YES,") }
        if settings.offersDeltas {
            out.put("CAN-SKIP-UNTIL=")
            out.put(seconds: skipBoundary)
            out.put(",")
        }
        out.put("HOLD-BACK=")
        out.put(seconds: max(settings.holdBack, 3 * targetDuration))
        if settings.form == .lowLatency {
            out.put(",PART-HOLD-BACK=")
            out.put(seconds: max(settings.partHoldBack, 3 * partTarget))
            out.put("\n#EXT-X-PART-INF:PART-TARGET=")
            out.put(seconds: partTarget)
        }
        out.end()
    }

    /// What applies to a segment and to its first part, before either.
    private func tags(
        _ out: inout PlaylistText, _ segment: WindowSegment, after before: WindowSegment?, query: [UInt8]
    ) {
        // The number of the first discontinuity is in the head, and its tag left with the segment before it.
        if let before, before.discontinuity != segment.discontinuity { out.line("#EXT-X-DISCONTINUITY") }
        if settings.form != .transportStream, before?.initialisation != segment.initialisation {
            out.put("#EXT-X-MAP:URI=\"")
            out.put(name: .initialisation(segment.initialisation), query: query)
            out.put("\"\n")
        }
        if let date = segment.date {
            out.put("#EXT-X-PROGRAM-DATE-TIME:")
            out.put(date: date)
            out.end()
        }
    }

    private func parts(_ out: inout PlaylistText, _ segment: WindowSegment, query: [UInt8]) {
        for (index, part) in segment.parts.enumerated() {
            out.put("#EXT-X-PART:DURATION=")
            out.put(seconds: part.duration)
            out.put(",URI=\"")
            out.put(name: .part(settings.rendition, segment.number, index: UInt32(index)), query: query)
            out.put(part.isIndependent ? "\",INDEPENDENT=YES\n" : "\"\n")
        }
    }

    private func uri(_ out: inout PlaylistText, _ segment: WindowSegment, query: [UInt8]) {
        if segment.isGap { out.line("#EXT-X-GAP") }
        out.put("#EXTINF:")
        out.put(seconds: segment.duration)
        out.put(",\n")
        out.put(name: .segment(settings.rendition, segment.number, settings.container), query: query)
        out.end()
    }

    /// What is behind the last whole segment: the parts of the open one, the part that comes next, the other
    /// renditions.
    private func edge(
        _ out: inout PlaylistText, after before: WindowSegment?, reports: [RenditionReport], query: [UInt8]
    ) {
        if isEnded { return out.line("#EXT-X-ENDLIST") }
        if settings.form == .lowLatency {
            if isOpenListed, let open, !open.parts.isEmpty {
                tags(&out, open, after: before, query: query)
                parts(&out, open, query: query)
            }
            if let hint = hintedPart { hints(&out, hint, after: before, query: query) }
        }
        for report in reports where report.rendition != settings.rendition {
            out.put("#EXT-X-RENDITION-REPORT:URI=\"")
            out.put(name: .playlist(report.rendition), query: query)
            out.put("\",LAST-MSN=")
            out.put(number: UInt64(report.lastNumber))
            if let part = report.lastPart {
                out.put(",LAST-PART=")
                out.put(number: UInt64(part))
            }
            out.end()
        }
    }

    /// A part whose initialisation section is new is hinted together with it (appendix B.1).
    private func hints(
        _ out: inout PlaylistText, _ hint: LivePosition, after before: WindowSegment?, query: [UInt8]
    ) {
        if isOpenListed, let open, open.parts.isEmpty, let before, before.initialisation != open.initialisation {
            out.put("#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"")
            out.put(name: .initialisation(open.initialisation), query: query)
            out.put("\"\n")
        }
        out.put("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"")
        out.put(name: .part(settings.rendition, hint.number, index: hint.part), query: query)
        out.put("\"\n")
    }
}

extension MediaPlaylist {
    var targetDuration: Int64 { Int64(target) * 1_000_000 }

    /// §4.4.3.8: at least six target durations.
    private var skipBoundary: Int64 { 6 * targetDuration }

    /// Segments that end further from the end of the last whole one than the skip boundary.
    private var skippable: Int {
        guard settings.offersDeltas, !isEnded else { return 0 }
        var distance = listedDuration
        for (count, segment) in listed.enumerated() {
            distance -= segment.duration
            if distance <= skipBoundary { return count }
        }
        return 0
    }

    /// The first segment whose parts are listed.
    private var firstWithParts: Int {
        settings.form == .lowLatency && !isEnded ? max(firstListed, partsFrom) : segments.count
    }

    private func capacity(skipped: Int, query: Int) -> Int {
        let open = settings.form == .lowLatency ? open?.parts.count ?? 0 : 0
        let parts = segments[firstWithParts...].reduce(open) { $0 + $1.parts.count }
        return PlaylistText.headSize + (listed.count - skipped + 1) * (PlaylistText.segmentSize + 2 * query)
            + parts * (PlaylistText.partSize + query)
    }
}
