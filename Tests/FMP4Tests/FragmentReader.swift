import Fixtures
import Media

/// Reads fragments back, as a player does, and complains of what a player would stumble over.
struct FragmentReader {
    struct Sample: Equatable {
        var time: Int
        var duration: Int
        var composition: Int
        var isSync: Bool
        var payload: [UInt8]
    }

    struct Fragment {
        var sequence: Int
        /// By track number.
        var samples: [Int: [Sample]] = [:]
        var producerTime: (track: Int, ntp: UInt64, media: Int)?
    }

    var fragments: [Fragment] = []
    var initializations: [Box] = []
    var complaints: [String] = []

    init(_ bytes: [UInt8]) throws {
        let boxes = try Box.parse(bytes)
        for (index, box) in boxes.enumerated() {
            switch box.type {
            case "moof":
                guard index + 1 < boxes.count, boxes[index + 1].type == "mdat" else {
                    complaints.append("no mdat after moof at \(box.start)")
                    continue
                }
                var fragment = try read(box, data: boxes[index + 1], bytes)
                if index > 0, boxes[index - 1].type == "prft" { fragment.producerTime = producerTime(boxes[index - 1]) }
                fragments.append(fragment)
            case "moov": initializations.append(box)
            case "ftyp", "mdat", "prft": break
            default: complaints.append("unexpected \(box.type)")
            }
        }
    }

    private func producerTime(_ box: Box) -> (Int, UInt64, Int) {
        (box.u32(4), box.payload.span.u64(at: 8), box.u64(16))
    }

    private mutating func read(_ moof: Box, data: Box, _ bytes: [UInt8]) throws -> Fragment {
        var fragment = Fragment(sequence: moof["mfhd"][0].u32(4))
        var covered = 0
        for track in moof["traf"] {
            let head = track["tfhd"][0]
            let run = track["trun"][0]
            let base = track["tfdt"][0]
            if head.u32(0) != 0x02_0000 { complaints.append("tfhd flags are \(head.u32(0))") }
            if base.payload[0] != 1 { complaints.append("tfdt is not of version 1") }
            if run.payload[0] != 1 { complaints.append("trun is not of version 1") }
            let flags = run.u32(0) & 0xff_ffff
            let isVideo = flags & 0x800 != 0
            var position = moof.start + run.u32(8)
            var at = 12
            var time = base.u64(4)
            var samples: [Sample] = []
            for _ in 0..<run.u32(4) {
                let size = run.u32(at + 4)
                if position < data.start + 8 || position + size > data.start + 8 + data.payload.count {
                    complaints.append("a sample lies outside of mdat")
                    break
                }
                covered += size
                samples.append(
                    Sample(
                        time: time, duration: run.u32(at), composition: isVideo ? run.i32(at + 12) : 0,
                        isSync: !isVideo || run.u32(at + 8) & 0x1_0000 == 0,
                        payload: Array(bytes[position..<position + size])))
                time += run.u32(at)
                position += size
                at += isVideo ? 16 : 8
            }
            if at != run.payload.count { complaints.append("trun has \(run.payload.count) bytes, read \(at)") }
            fragment.samples[head.u32(4), default: []] += samples
        }
        if covered != data.payload.count { complaints.append("mdat has \(data.payload.count) bytes, used \(covered)") }
        return fragment
    }

    /// Of one track, over all fragments.
    func samples(_ track: Int) -> [Sample] { fragments.flatMap { $0.samples[track] ?? [] } }
}
