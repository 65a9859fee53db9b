import Media

/// Why bytes are not the FLV, or the audio and video messages, that they were sent as.
public enum FLVError: Error, Equatable, Sendable, CustomStringConvertible {
    case badSignature
    case badHeaderSize(UInt32)
    case oversizeTag(bytes: Int, limit: Int)
    case encryptedTag
    case shortTag
    case shortVideo
    case shortAudio
    case nestedMultitrack
    case badTrackSize
    case badMetadata
    case configuration(CodecError)

    /// For metric labels: one of a fixed few.
    public var reason: String {
        switch self {
        case .badSignature: "flv_bad_signature"
        case .badHeaderSize: "flv_bad_header_size"
        case .oversizeTag: "flv_oversize_tag"
        case .encryptedTag: "flv_encrypted_tag"
        case .shortTag: "flv_short_tag"
        case .shortVideo: "flv_short_video"
        case .shortAudio: "flv_short_audio"
        case .nestedMultitrack: "flv_nested_multitrack"
        case .badTrackSize: "flv_bad_track_size"
        case .badMetadata: "flv_bad_metadata"
        case .configuration(let error): error.reason
        }
    }

    public var description: String {
        switch self {
        case .badSignature: "this is not FLV: it does not begin with 'FLV' and version 1"
        case .badHeaderSize(let size): "the FLV file header claims \(size) bytes; it has 9"
        case .oversizeTag(let bytes, let limit): "an FLV tag claims \(bytes) bytes, more than the limit of \(limit)"
        case .encryptedTag: "an FLV tag is encrypted, which is not supported"
        case .shortTag: "an FLV tag header needs 11 bytes and has fewer"
        case .shortVideo: "a video message ends inside its header"
        case .shortAudio: "an audio message ends inside its header"
        case .nestedMultitrack: "a multitrack message holds another multitrack message, which E-RTMP forbids"
        case .badTrackSize: "a track of a multitrack message claims more bytes than the message has"
        case .badMetadata: "the onMetaData message is not well-formed AMF0"
        case .configuration(let error): error.description
        }
    }
}
