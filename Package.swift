// swift-tools-version: 6.2
import PackageDescription

// Exclusive access is proven by the compiler or checked at run time. The checks are for tests, which are built for
// debugging: in a release they are a third of the instructions that relaying a frame takes beside its copy.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A Swift module in `Sources/`, in the order of the floors of the architecture page.
func room(_ name: String, _ dependencies: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies.map { .byName(name: $0) }, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [String]) -> Target {
    .testTarget(name: name, dependencies: dependencies.map { .byName(name: $0) }, swiftSettings: strict)
}

var targets: [Target] = [
    // Floor 0: the libraries, and the shims for what Swift cannot import (macros, unions, variadic calls).
    .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CSRT", pkgConfig: "srt", providers: [.apt(["libsrt-openssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .target(name: "CSystem", cSettings: [.define("_GNU_SOURCE")]),
    room("Media"),
    room("Threads", ["CSystem"]),

    // Floor 1: sans-I/O.
    room("FLV", ["Media"]),
    room("RTMP", ["Media", "COpenSSL"]),
    room("HTTP", ["Media", "COpenSSL"]),
    room("HTTP2", ["HTTP", "Media", "CNGHTTP2"]),
    room("RelayProtocol", ["Media", "COpenSSL"]),
    room("MPEGTS", ["Media", "FLV"]),
    room("FMP4", ["Media", "FLV"]),
    room("HLS", ["Media"]),
    room("ProxyProtocol", ["Media"]),
    room("StreamID"),
    room("Stills", ["FLV", "FMP4", "Media"]),
    room("TLS", ["COpenSSL"]),
    room("StreamLog", ["Media"]),
    room("Recording", ["StreamLog", "Threads"]),
    room("Dispatch"),
    room("Admission"),

    // Floors 2 to 5.
    room("EventLoop", ["CUV", "CSystem", "TLS", "ProxyProtocol", "Threads"]),
    room("SRT", ["CSRT", "EventLoop", "Threads"]),
    room("Configuration", ["CYAML", "Recording"]),
    room("Packaging", ["Media", "FMP4", "HLS", "HTTP", "MPEGTS", "StreamLog", "EventLoop", "CZlib"]),
    room(
        "Fanout",
        [
            "Media", "FLV", "RTMP", "HTTP", "MPEGTS", "FMP4", "HLS", "RelayProtocol", "StreamLog", "EventLoop",
            "Packaging", "Recording",
        ]),
    room("Operations", ["Media"]),
    room(
        "Node",
        [
            "Media", "FLV", "RTMP", "HTTP", "MPEGTS", "RelayProtocol", "StreamLog", "Admission", "EventLoop", "Fanout",
            "Operations", "Configuration", "SRT", "StreamID", "TLS", "HLS", "HTTP2", "Packaging", "Recording",
            "Stills", "Threads",
        ]),

    room(
        "ControlPlane",
        ["Dispatch", "RelayProtocol", "HTTP", "Operations", "Configuration", "EventLoop", "TLS"]),

    // The commands.
    .executableTarget(
        name: "sluice", dependencies: ["Node", "ControlPlane", "Configuration", "Operations", "EventLoop"],
        swiftSettings: strict),
    .executableTarget(name: "dispatchbench", dependencies: ["Dispatch"], swiftSettings: strict),
    .executableTarget(name: "loadgen", dependencies: ["CSystem", "CSRT", "Threads"], swiftSettings: strict),

    // What several test targets need.
    .target(name: "Fixtures", dependencies: ["Media"], path: "Tests/Fixtures", swiftSettings: strict),
    .target(name: "CAllocations", path: "Tests/CAllocations"),

    tests("MediaTests", ["Media", "Fixtures"]),
    tests("FLVTests", ["FLV", "Media", "Fixtures"]),
    tests("RTMPTests", ["RTMP", "Media"]),
    tests("HTTPTests", ["HTTP", "Media", "Fixtures"]),
    tests("MPEGTSTests", ["MPEGTS", "FLV", "Media", "Fixtures", "CAllocations"]),
    tests("FMP4Tests", ["FMP4", "FLV", "Media", "Fixtures", "CAllocations"]),
    tests("HLSTests", ["HLS", "Media", "Fixtures"]),
    tests("HTTP2Tests", ["HTTP2", "HTTP", "CNGHTTP2", "Fixtures"]),
    tests("RecordingTests", ["Recording", "StreamLog", "Fixtures"]),
    tests("StillsTests", ["Stills", "FLV", "Fixtures"]),
    tests("TLSTests", ["TLS", "Fixtures"]),
    tests("ProxyProtocolTests", ["ProxyProtocol", "Fixtures"]),
    tests("StreamIDTests", ["StreamID", "Fixtures"]),
    tests("RelayProtocolTests", ["RelayProtocol", "Media"]),
    tests("StreamLogTests", ["StreamLog", "Media", "Fixtures"]),
    tests("DispatchTests", ["Dispatch"]),
    tests("AdmissionTests", ["Admission", "Fixtures"]),
    tests("ControlPlaneTests", ["ControlPlane", "Dispatch", "RelayProtocol", "Configuration", "Fixtures"]),
    tests("EventLoopTests", ["EventLoop", "TLS", "Fixtures"]),
    tests("SRTTests", ["SRT", "EventLoop", "Fixtures"]),
    tests(
        "FanoutTests",
        [
            "Fanout", "StreamLog", "FLV", "RTMP", "MPEGTS", "Media", "EventLoop", "RelayProtocol", "TLS", "Fixtures",
            "CAllocations", "HLS", "Packaging",
        ]),
    tests(
        "PackagingTests",
        ["Packaging", "HLS", "FLV", "MPEGTS", "StreamLog", "EventLoop", "Media", "Fixtures"]),
    tests("OperationsTests", ["Operations"]),
    tests("ConfigurationTests", ["Configuration"]),
    tests("LoadgenTests", ["loadgen"]),
]

// A sanitizer's build has the tests that are run there, and no others: `tools/test` names them.
if let chosen = Context.environment["SLUICE_TESTS"]?.split(separator: " ") {
    targets.removeAll { target in target.isTest && !chosen.contains { $0 == target.name } }
}

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluice", targets: ["sluice"]),
        .executable(name: "loadgen", targets: ["loadgen"]),
    ],
    targets: targets,
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
