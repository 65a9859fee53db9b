//! A newcomer at the floor, until it has asked for the stream.

import CSystem
@preconcurrency import Glibc

final class Guest {
    enum Outcome {
        case waiting
        case ready
        case gone
    }

    /// Bytes of a request that are waited for.
    private static let requestLimit = 16_384

    let fd: Int32
    private let asRTMP: Bool
    private var link = RTMPLink(role: .server)
    private var request: [UInt8] = []

    init(fd: Int32, asRTMP: Bool) {
        self.fd = fd
        self.asRTMP = asRTMP
    }

    func hear(_ buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        let count = loadgen_receive(fd, buffer.baseAddress!, buffer.count)
        if count == -Int(EAGAIN) { return .waiting }
        if count <= 0 { return .gone }
        var input = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        if !asRTMP {
            request += input
            if request.suffix(4).elementsEqual([13, 10, 13, 10]) { return .ready }
            return request.count > Guest.requestLimit ? .gone : .waiting
        }
        do throws(Failure) {
            return try converse(&input)
        } catch {
            return .gone
        }
    }

    private func converse(_ input: inout UnsafeRawBufferPointer) throws(Failure) -> Outcome {
        var replies: [UInt8] = []
        var outcome = Outcome.waiting
        while let message = try link.next(&input, &replies) {
            guard message.type == 20 else { continue }
            let command = Command(message.prefix)
            let result = AMFValue.number(command.transaction)
            switch command.name {
            case "connect":
                let info = AMFValue.object([
                    ("level", .string("status")), ("code", .string("NetConnection.Connect.Success")),
                ])
                ChunkWriter.append([.string("_result"), result, .null, info], chunkSize: 128, to: &replies)
            case "createStream":
                ChunkWriter.append([.string("_result"), result, .null, .number(1)], chunkSize: 128, to: &replies)
            case "play":
                let info = AMFValue.object([
                    ("level", .string("status")), ("code", .string("NetStream.Play.Start")),
                ])
                ChunkWriter.append(
                    [.string("onStatus"), .number(0), .null, info], messageStream: 1, chunkSize: 128, to: &replies)
                outcome = .ready
            default: break
            }
        }
        if replies.isEmpty { return outcome }
        let sent = replies.withUnsafeBytes { loadgen_send(fd, $0.baseAddress!, $0.count) }
        return sent == replies.count ? outcome : .gone
    }
}
