import EventLoop
import Fixtures
import HLS
import Media
import Packaging
import RelayProtocol
import StreamLog

@testable import Fanout

/// H.264 and AAC as an encoder sends them, and what other nodes get of it.
struct Broadcast {
    static let videoHeader: [UInt8] =
        [0x17, 0, 0, 0, 0]
        + hex("0164001fffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800")
    static let otherVideoHeader: [UInt8] =
        [0x17, 0, 0, 0, 0]
        + hex("01640028ffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800")
    static let audioHeader: [UInt8] = [0xaf, 0] + hex("121056e500")

    static func video(key: Bool, _ number: Int) -> [UInt8] {
        var body: [UInt8] = [key ? 0x17 : 0x27, 1, 0, 0, 0]
        let count = 20 + number % 97
        body.append(u32: UInt32(count + 1))
        return body + [key ? 0x65 : 0x41] + [UInt8](repeating: UInt8(number & 0xff), count: count)
    }

    static func audio(_ number: Int) -> [UInt8] { [0xaf, 1] + [UInt8](repeating: UInt8(number & 0xff), count: 30) }

    static let headers: [(kind: MediaKind, time: UInt32, body: [UInt8])] = [
        (.video, 0, videoHeader), (.audio, 0, audioHeader),
    ]

    /// 25 pictures a second, a keyframe each second, and a frame of sound after each picture.
    static func seconds(_ range: Range<Int>) -> [(kind: MediaKind, time: UInt32, body: [UInt8])] {
        (range.lowerBound * 25..<range.upperBound * 25).flatMap { number in
            [
                (.video, UInt32(number * 40), video(key: number % 25 == 0, number)),
                (.audio, UInt32(number * 40 + 10), audio(number)),
            ] as [(kind: MediaKind, time: UInt32, body: [UInt8])]
        }
    }

    /// A further audio track: messages of one track each.
    static func further(_ track: UInt8, header: Bool, _ number: Int = 0) -> [UInt8] {
        let head = [0x95, header ? 0 : 1] + Array("mp4a".utf8) + [track]
        return head + (header ? hex("1208") : [UInt8](repeating: UInt8(number & 0xff), count: 20 + Int(track)))
    }

    /// The same of a codec that says what it is with each frame.
    static func mp3(track: UInt8, _ number: Int) -> [UInt8] {
        [0x95, 1] + Array(".mp3".utf8) + [track, 0xff, 0xfb, 0x90, 0x44]
            + [UInt8](repeating: UInt8(number & 0xff), count: 413)
    }

    /// The same with further audio tracks.
    static func seconds(_ range: Range<Int>, further: [UInt8]) -> [(kind: MediaKind, time: UInt32, body: [UInt8])] {
        seconds(range).flatMap { frame in
            [frame]
                + (frame.kind == .audio ? further : []).map {
                    (.audio, frame.time, self.further($0, header: false, Int(frame.time)))
                }
        }
    }

    /// The frames that a stream has in its log, as they travel to other nodes.
    static func relayed(_ stream: Fanout.Stream, from first: UInt64 = 0) -> [(RelayFrame.Header, [UInt8])] {
        var frames: [(RelayFrame.Header, [UInt8])] = []
        let margins = stream.channels[0].kind.bodyMargins!
        stream.channels[0].writer.forEachPlace(from: stream.channels[0].writer.tail) { mark, place in
            guard mark.sequence >= first else { return }
            let header = RelayFrame.Header(
                stream: 1, number: FrameNumber(epoch: stream.source(of: mark).epoch, sequence: mark.sequence),
                kind: mark.flags.contains(.video) ? .video : .audio,
                timestamp: UInt32(truncatingIfNeeded: mark.timestamp),
                wallClock: mark.origin, segment: mark.segment)
            frames.append((header, Array(place.trimmed(before: margins.before, after: margins.after).bytes)))
        }
        return frames
    }
}

extension Studio {
    /// Time for all of a test's frames in the frame log.
    static var patient: FanoutSettings {
        var settings = FanoutSettings()
        settings.retention.milliseconds = 120_000
        return settings
    }

    /// `live/a`, from another node.
    func follow() {
        let upstream = Publisher(
            session: "up", label: "relay", address: "a", agent: "", identity: "relay", since: 0, isUpstream: true
        ) { _ in }
        hub.publish(Studio.name, upstream, on: fanouts[0]) { _, _ in }
        settle()
    }

    func shelf(_ settings: PackageSettings) -> Shelf {
        hub.find(Studio.name)!.packaged(settings, from: fanouts[0].loop)
    }

    func offer(_ shelf: Shelf, _ name: String) -> Offer {
        shelf.take(ResourceName(name)!, query: [], from: fanouts[0].loop.mailbox, nil)
    }

    /// A playlist; empty where there is none.
    func text(_ shelf: Shelf, _ name: String) -> String {
        guard case .playlist(let text, _) = offer(shelf, name) else { return "" }
        return String(decoding: text.file(isSettled: false, takesGzip: false).bytes.copy, as: UTF8.self)
    }

    /// Everything that a playlist names, by name.
    func contents(_ shelf: Shelf, _ name: String = "media.m3u8") -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for line in text(shelf, name).split(separator: "\n") {
            // A name is the line, or stands in quotation marks.
            let quoted = line.split(separator: "\"", omittingEmptySubsequences: false)
            let name = line.hasPrefix("#") ? (quoted.count > 1 ? String(quoted[1]) : "") : String(line)
            guard ResourceName(name) != nil, !line.hasPrefix("#EXT-X-PRELOAD-HINT") else { continue }
            if case .file(let file) = offer(shelf, name) { found[name] = file.bytes.copy } else { found[name] = [] }
        }
        return found
    }
}
