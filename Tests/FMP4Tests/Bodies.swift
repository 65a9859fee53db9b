import Fixtures
import Media

/// Message bodies to test with: real sequence headers, and frames that are as much of a frame as a muxer looks at.
enum Bodies {
    static let avcC = hex("0164001fffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800")
    static let hvcC = hex(
        """
        01022000000090000000000078f000fcfdfafa00000f03200001001840010c01ffff0220000003009000000300000300789598
        09210001002b420101022000000300900000030000030078a002ac80301d6d96566924e5780b4040000003004000000f02
        22000100074401c172b46240
        """)
    static let av1C = hex("812500000a0e2000002d4d55bfddaf92021a0040")
    static let vpcC = hex("01000000001e820202020000")
    static let vp9Keyframe = hex("824983420035501df60638241c184a10")
    static let opusHead = hex("4f707573486561640102380180bb0000000000")
    static let flacHead = hex("664c614300000022120012000000780005110bb802f0000012c0ba43705036a3bb057849a9f54f6928a3")
    static let ac3Frame = hex("0b77b50b1e40ebf8") + [UInt8](repeating: 7, count: 200)
    static let mp3Frame = hex("fffb38c4") + [UInt8](repeating: 7, count: 200)

    static let h264Header: [UInt8] = [0x17, 0, 0, 0, 0] + avcC
    static let aacHeader: [UInt8] = [0xaf, 0] + hex("121056e500")

    static let headers: [(MediaKind, [UInt8])] = [(.video, h264Header), (.audio, aacHeader)]

    /// A video message of Enhanced RTMP; `type` is 0 for a sequence header, 1 for frames with a composition time.
    static func video(_ fourCC: StaticString, type: UInt8, key: Bool = true, _ payload: [UInt8]) -> [UInt8] {
        [(key ? 0x90 : 0xa0) | type] + name(fourCC) + payload
    }

    static func audio(_ fourCC: StaticString, type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0x90 | type] + name(fourCC) + payload
    }

    static func name(_ fourCC: StaticString) -> [UInt8] { [UInt8](fourCC.description.utf8) }

    /// A classic H.264 frame of one unit.
    static func h264(key: Bool, composition: Int32 = 0, count: Int = 20, fill: UInt8 = 1) -> [UInt8] {
        var body: [UInt8] = [key ? 0x17 : 0x27, 1]
        body.append(u24: UInt32(bitPattern: composition) & 0xff_ffff)
        body.append(u32: UInt32(count + 1))
        return body + [key ? 0x65 : 0x41] + [UInt8](repeating: fill, count: count)
    }

    static func aac(count: Int = 12, fill: UInt8 = 2) -> [UInt8] {
        [0xaf, 1] + [UInt8](repeating: fill, count: count)
    }

    /// A frame with the time that it has in a stream.
    struct Frame {
        var kind: MediaKind
        var time: Int64
        var body: [UInt8]
        var isKeyframe = false
    }

    /// 30 pictures a second with two pictures of reordering, a keyframe every `interval` pictures, and AAC of 44.1 kHz,
    /// all with times of whole milliseconds.
    static func stream(seconds: Int, interval: Int = 30, seed: UInt64 = 1) -> [Frame] {
        var random = SeededGenerator(seed: seed)
        var frames: [Frame] = []
        for number in 0..<seconds * 30 {
            let key = number % interval == 0
            let composition: Int32 = [66, 133, 33, 0][number % 4]
            let body = h264(
                key: key, composition: key ? 66 : composition, count: .random(in: 1...300, using: &random),
                fill: .random(in: 1...255, using: &random))
            frames.append(Frame(kind: .video, time: Int64(number) * 1_000 / 30, body: body, isKeyframe: key))
        }
        for number in 0..<seconds * 44_100 / 1_024 {
            let body = aac(count: .random(in: 1...100, using: &random), fill: .random(in: 1...255, using: &random))
            frames.append(Frame(kind: .audio, time: Int64(number) * 1_024_000 / 44_100, body: body))
        }
        return frames.sorted { ($0.time, $0.kind == .video ? 0 : 1) < ($1.time, $1.kind == .video ? 0 : 1) }
    }
}
