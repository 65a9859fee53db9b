/// The fuzz targets by name: the Swift side of `Driver/driver.c`. Each name has its seeds in `corpus/`.
private enum FuzzTarget: String, CaseIterable {
    case rtmp, amf
    case rtmpClient = "rtmp-client"
    case http, websocket, flv, codec, config
    case relayParser = "relay-parser"
    case relayConnection = "relay-connection"
    case relayMerge = "relay-merge"
    case proxy
    case tsReader = "ts-reader"
    case tsUnits = "ts-units"
    case tsMuxer = "ts-muxer"
    case streamID = "stream-id"
    case hlsRequest = "hls-request"
    case fmp4Muxer = "fmp4-muxer"
    case fmp4Fragments = "fmp4-fragments"
    case http2
    case indexLine = "index-line"
    case filePattern = "file-pattern"
    case tapeFolder = "tape-folder"

    func run(_ data: Span<UInt8>) {
        switch self {
        case .rtmp: fuzzRTMPServer(data)
        case .amf: fuzzAMF(data)
        case .rtmpClient: fuzzRTMPClient(data)
        case .http: fuzzHTTP(data)
        case .websocket: fuzzWebSocket(data)
        case .flv: fuzzFLV(data)
        case .codec: fuzzCodecConfigurations(data)
        case .config: fuzzConfiguration(data)
        case .relayParser: fuzzRelayParser(data)
        case .relayConnection: fuzzRelayConnection(data)
        case .relayMerge: fuzzFrameMerge(data)
        case .proxy: fuzzProxyHeader(data)
        case .tsReader: fuzzTSReader(data)
        case .tsUnits: fuzzTSUnits(data)
        case .tsMuxer: fuzzTSMuxer(data)
        case .streamID: fuzzStreamID(data)
        case .hlsRequest: fuzzHLSRequest(data)
        case .fmp4Muxer: fuzzFMP4Muxer(data)
        case .fmp4Fragments: fuzzFMP4Fragments(data)
        case .http2: fuzzHTTP2(data)
        case .indexLine: fuzzIndexLine(data)
        case .filePattern: fuzzFilePattern(data)
        case .tapeFolder: fuzzTapeFolder(data)
        }
    }
}

/// The number that `sluice_fuzz` takes for the target of this name; -1 when there is none.
@_cdecl("sluice_fuzz_index")
public func sluiceFuzzIndex(_ name: UnsafePointer<CChar>) -> Int32 {
    let name = String(cString: name)
    return Int32(FuzzTarget.allCases.firstIndex { $0.rawValue == name } ?? -1)
}

/// One input. libFuzzer's bytes stay where they are, and unchanged, for the length of the call; it may give no address
/// with a size of 0.
@_cdecl("sluice_fuzz")
public func sluiceFuzz(_ index: Int32, _ data: UnsafePointer<UInt8>?, _ size: Int) {
    let bytes = UnsafeBufferPointer(start: data, count: size)
    FuzzTarget.allCases[Int(index)].run(bytes.span)
}
