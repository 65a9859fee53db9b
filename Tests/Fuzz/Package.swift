// swift-tools-version: 6.2
import PackageDescription

// The parsers of the server, built for libFuzzer under AddressSanitizer: a package of its own, because its flags reach
// every module in it. `Sources` holds links to the server's modules. `tools/test fuzz` builds and runs it.

let fuzzed: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .unsafeFlags(["-sanitize=fuzzer,address"]),
]

func room(_ name: String, _ dependencies: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies.map { .byName(name: $0) }, swiftSettings: fuzzed)
}

let package = Package(
    name: "sluice-fuzz",
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
        .target(name: "CSystem", cSettings: [.define("_GNU_SOURCE")]),
        room("Media"),
        room("Threads", ["CSystem"]),
        room("FLV", ["Media"]),
        room("RTMP", ["Media", "COpenSSL"]),
        room("HTTP", ["Media", "COpenSSL"]),
        room("HTTP2", ["HTTP", "Media", "CNGHTTP2"]),
        room("RelayProtocol", ["Media", "COpenSSL"]),
        room("MPEGTS", ["Media", "FLV"]),
        room("FMP4", ["Media", "FLV"]),
        room("HLS", ["Media"]),
        room("StreamLog", ["Media"]),
        room("Recording", ["StreamLog", "Threads"]),
        room("ProxyProtocol", ["Media"]),
        room("StreamID"),
        room("Configuration", ["CYAML", "Recording"]),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Media", "FLV", "RTMP", "HTTP", "RelayProtocol", "MPEGTS", "ProxyProtocol", "StreamID",
                "Configuration", "HLS", "FMP4", "HTTP2", "Recording",
            ],
            path: ".",
            exclude: ["Driver", "Sources", "corpus"],
            sources: [
                "Targets.swift", "RTMP", "HTTP", "Media", "RelayProtocol", "MPEGTS", "ProxyProtocol", "StreamID",
                "Configuration", "HLS", "FMP4", "HTTP2", "Recording",
            ],
            swiftSettings: fuzzed),
        .executableTarget(
            name: "sluice-fuzz", dependencies: ["FuzzTargets"], path: "Driver",
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
