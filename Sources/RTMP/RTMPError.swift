/// What a peer did wrong. Every case ends that session alone; `reason` names a counter and `description` a log line.
public enum RTMPError: Error, Sendable, Equatable, CustomStringConvertible {
    // Before the handshake is through.
    case unsupportedVersion(UInt8)
    case encryptedHandshake(UInt8)
    case tlsOnPlainPort
    case httpOnRTMPPort

    // Chunks.
    case chunkSizeZero
    case chunkSizeTooLarge(UInt32)
    case chunkWithoutHeader(chunkStream: Int)
    case tooManyChunkStreams(limit: Int)
    case messageTooLarge(announced: Int, limit: Int)
    case tooMuchPartialData(limit: Int)

    // Messages.
    case malformedControl(type: UInt8)
    case malformedAggregate
    case commandTooLarge(size: Int, limit: Int)
    case tooManyCommands(limit: Int)
    case unexpectedCommand(String)
    case outputNotRead(limit: Int)
    case nameTooLong(limit: Int)
    case invalidName

    // AMF.
    case amfTruncated
    case amfTooDeep(limit: Int)
    case amfTooManyValues(limit: Int)
    case amfStringTooLong(limit: Int)
    case amfUnsupportedType(UInt8)
    case amfBadReference
    case malformedCommand

    /// A short stable name, for metrics.
    public var reason: String {
        switch self {
        case .unsupportedVersion: "rtmp_unsupported_version"
        case .encryptedHandshake: "rtmp_encrypted_handshake"
        case .tlsOnPlainPort: "rtmp_tls_on_plain_port"
        case .httpOnRTMPPort: "rtmp_http_on_rtmp_port"
        case .chunkSizeZero: "rtmp_chunk_size_zero"
        case .chunkSizeTooLarge: "rtmp_chunk_size_too_large"
        case .chunkWithoutHeader: "rtmp_chunk_without_header"
        case .tooManyChunkStreams: "rtmp_too_many_chunk_streams"
        case .messageTooLarge: "rtmp_message_too_large"
        case .tooMuchPartialData: "rtmp_too_much_partial_data"
        case .malformedControl: "rtmp_malformed_control"
        case .malformedAggregate: "rtmp_malformed_aggregate"
        case .commandTooLarge: "rtmp_command_too_large"
        case .tooManyCommands: "rtmp_too_many_commands"
        case .unexpectedCommand: "rtmp_unexpected_command"
        case .outputNotRead: "rtmp_output_not_read"
        case .nameTooLong: "rtmp_name_too_long"
        case .invalidName: "rtmp_invalid_name"
        case .amfTruncated: "amf_truncated"
        case .amfTooDeep: "amf_too_deep"
        case .amfTooManyValues: "amf_too_many_values"
        case .amfStringTooLong: "amf_string_too_long"
        case .amfUnsupportedType: "amf_unsupported_type"
        case .amfBadReference: "amf_bad_reference"
        case .malformedCommand: "rtmp_malformed_command"
        }
    }

    /// What was wrong, for the operator who reads the log.
    public var description: String {
        switch self {
        case .unsupportedVersion(let version):
            "the peer opened with RTMP version \(version); only version 3 exists, so this is probably not RTMP"
        case .encryptedHandshake(let version):
            "the peer asks for RTMPE (version \(version)), which is not offered; use rtmp:// or rtmps://"
        case .tlsOnPlainPort:
            "the peer speaks TLS on a plain RTMP port; use rtmp:// here, or rtmps:// on the TLS port"
        case .httpOnRTMPPort:
            "the peer speaks HTTP on the RTMP port; RTMPT is not offered, and HTTP is served on its own port"
        case .chunkSizeZero:
            "the peer set a chunk size of zero"
        case .chunkSizeTooLarge(let size):
            "the peer set a chunk size of \(size), above the largest that is legal"
        case .chunkWithoutHeader(let id):
            "the first chunk of chunk stream \(id) has no header of its own; the byte stream is out of step"
        case .tooManyChunkStreams(let limit):
            "the peer uses more than \(limit) chunk streams"
        case .messageTooLarge(let announced, let limit):
            "the peer announced a message of \(announced) bytes; the limit is \(limit)"
        case .tooMuchPartialData(let limit):
            "the peer's unfinished messages hold more than \(limit) bytes"
        case .malformedControl(let type):
            "a protocol control message of type \(type) is shorter than its fields"
        case .malformedAggregate:
            "an aggregate message holds a tag that does not fit in it"
        case .commandTooLarge(let size, let limit):
            "a command of \(size) bytes; the limit is \(limit)"
        case .tooManyCommands(let limit):
            "more than \(limit) commands without a publish or a play that was accepted"
        case .unexpectedCommand(let name):
            "the command \(name) came at a time when it makes no sense"
        case .outputNotRead(let limit):
            "more than \(limit) bytes of answers were asked for and not fetched"
        case .nameTooLong(let limit):
            "the app and stream names are longer than \(limit) bytes"
        case .invalidName:
            "the app or the stream name is empty or holds control characters"
        case .amfTruncated:
            "an AMF value ends before its last byte"
        case .amfTooDeep(let limit):
            "AMF values are nested deeper than \(limit)"
        case .amfTooManyValues(let limit):
            "an AMF message holds more than \(limit) values"
        case .amfStringTooLong(let limit):
            "an AMF string is longer than \(limit) bytes"
        case .amfUnsupportedType(let marker):
            "an AMF value of type \(marker) is not supported"
        case .amfBadReference:
            "an AMF3 reference points at nothing"
        case .malformedCommand:
            "a command message does not start with a name and a transaction number"
        }
    }
}
