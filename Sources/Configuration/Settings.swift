/// Everything an operator can set, with its default. A value of this type is complete and within its limits:
/// `Settings()` is the server without a configuration file, and a file or an override only changes single values.
///
/// The names in files and overrides, their units and their limits stand in `Key.all`; the words for the operator
/// stand in `conf/sluice.yaml`, which a test holds to both.
public struct Settings: Sendable, Equatable {
    /// Event loops; 0 is one per processor.
    public var threads = 0
    public var node = Node()
    public var rtmp = RTMP()
    public var http = HTTP()
    public var srt = SRT()
    public var api = API()
    public var tls = TLS()
    public var publish = Publish()
    /// Where a stream that is published here is sent on to.
    public var push: [PushAddress] = []
    public var play = Play()
    public var retention = Retention()
    public var hls = HLS()
    public var record = Record()
    public var snapshot = Snapshot()
    public var rewind = Rewind()
    public var relay = Relay()
    public var dispatch = Dispatch()
    public var limits = Limits()
    public var metrics = Metrics()
    public var log = Log()
    public var drain = Drain()
    /// What differs for single applications, or single streams of them, by `app` or `app/stream`: complete settings.
    var exceptions: [String: Settings] = [:]

    public init() {}

    /// These, and those of every exception with its name.
    public var everywhere: [(target: String, settings: Settings)] {
        [("", self)] + exceptions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The settings in force for a stream.
    public func of(app: String, stream: String) -> Settings {
        if exceptions.isEmpty { return self }
        return exceptions["\(app)/\(stream)"] ?? exceptions[app] ?? self
    }

    /// Who this node is among others.
    public struct Node: Sendable, Equatable {
        /// Empty is the machine's name.
        public var id = ""
        /// The data centre it stands in.
        public var idc = "local"
        /// How other nodes dial this one; empty is the address that it connects to the dispatcher from.
        public var address = ""
    }

    public struct RTMP: Sendable, Equatable {
        public var listen = [Endpoint(host: Endpoint.everywhere, port: 1935)]
        /// RTMPS.
        public var tlsListen: [Endpoint] = []
        /// Proxies that say first who the client is.
        public var proxies: [Network] = []
        /// From the accepted connection to the end of the handshake.
        public var handshakeTimeout: Milliseconds = 10_000
        /// Bytes in one message of a peer.
        public var maxMessage = 8 << 20
    }

    public struct HTTP: Sendable, Equatable {
        public var listen = [Endpoint(host: Endpoint.everywhere, port: 8080)]
        /// HTTPS.
        public var tlsListen: [Endpoint] = []
        public var proxies: [Network] = []
        /// From a request's first byte to the end of its header.
        public var headerTimeout: Milliseconds = 10_000
        /// Between two requests of one connection.
        public var idleTimeout: Milliseconds = 60_000
        /// Bytes in one request header.
        public var maxHeader = 16 << 10
        /// Requests on one connection.
        public var maxRequests = 1_000
    }

    public struct SRT: Sendable, Equatable {
        public var listen: [Endpoint] = []
        /// What both sides wait for lost packets, at least.
        public var latency: Milliseconds = 120
        /// A caller that wants more is turned away.
        public var latencyMax: Milliseconds = 10_000
        /// Holds the passphrase; empty is no encryption.
        public var passphraseFile = ""
        public var keyLength = KeyLength.bits128
        /// Where this node, as the caller, gets the stream.
        public var pull: [SRTAddress] = []
        /// Where it sends the stream, as the caller.
        public var push: [SRTAddress] = []

        /// Of AES.
        public enum KeyLength: String, Sendable, CaseIterable {
            case bits128 = "128"
            case bits192 = "192"
            case bits256 = "256"

            public var bytes: Int {
                switch self {
                case .bits128: 16
                case .bits192: 24
                case .bits256: 32
                }
            }
        }
    }

    public struct HLS: Sendable, Equatable {
        public var form = Form.lowLatency
        /// What segments are cut toward, at keyframes. Said by the node where the stream is published.
        public var segment: Milliseconds = 2_000
        public var part: Milliseconds = 200
        /// Media that a playlist holds at least.
        public var window: Milliseconds = 12_000
        /// A stream that nobody asks for is no longer packaged.
        public var idle: Milliseconds = 30_000

        public enum Form: String, Sendable, CaseIterable {
            case off
            case ts
            case fmp4
            case lowLatency = "low-latency"
        }
    }

    public struct API: Sendable, Equatable {
        public var listen = [Endpoint(host: "127.0.0.1", port: 8081)]
        public var proxies: [Network] = []
    }

    /// What the `tls_listen` addresses show.
    public struct TLS: Sendable, Equatable {
        /// PEM files, each with its chain; the first is shown where a client names no host of another.
        public var certificates: [String] = []
        /// The keys, in the same order.
        public var keys: [String] = []
        /// Who signs the certificates of the network's nodes; empty where nodes do not use TLS among themselves.
        public var authorities = ""
    }

    /// Who may publish to a name that already has a publisher.
    public enum Takeover: String, Sendable, CaseIterable {
        /// The publisher itself, reconnecting: same key, same client identity.
        case same
        /// Anybody; the newest publisher wins.
        case always
        /// Nobody, until the old session has ended.
        case never
    }

    public struct Publish: Sendable, Equatable {
        public var takeover = Takeover.same
        /// Without a byte from the publisher.
        public var idleTimeout: Milliseconds = 15_000
        /// How long a stream outlives its publisher.
        public var linger: Milliseconds = 10_000
        /// Of two encoders that publish the same stream, viewers follow the one with the higher.
        public var priority = 0
    }

    public struct Play: Sendable, Equatable {
        /// How long a viewer waits for a stream that does not exist yet.
        public var wait: Milliseconds = 10_000
        /// Without a byte that the viewer took.
        public var stallTimeout: Milliseconds = 20_000
        /// How long audio waits for the next video frame.
        public var flushInterval: Milliseconds = 40
        /// Upper limit of the flush interval when the processor is under pressure.
        public var flushMax: Milliseconds = 100
        /// Bytes of the socket's send buffer; 0 is the kernel's default.
        public var sendBuffer = 0
    }

    public struct Retention: Sendable, Equatable {
        public var time: Milliseconds = 10_000
        /// Bytes of one stream's log.
        public var bytes = 64 << 20
    }

    /// Streams from and to other nodes.
    public struct Relay: Sendable, Equatable {
        public var listen: [Endpoint] = []
        /// The same over TLS, where both sides show a certificate.
        public var tlsListen: [Endpoint] = []
        /// The same over SRT.
        public var srtListen: [Endpoint] = []
        /// In front of `listen` and `tlsListen`.
        public var proxies: [Network] = []
        /// Asked, in this order, for streams that nobody publishes here.
        public var parents: [Remote] = []
        /// Holds what all nodes of the network know and nobody else; empty is none.
        public var secretFile = ""
        /// Parents that deliver each stream at once.
        public var redundancy = 1
        /// A parent that is silent for so long is replaced.
        public var deadAfter: Milliseconds = 600
        /// How long a stream that nobody reads any more is still pulled.
        public var hold: Milliseconds = 5_000
        /// For an answer to the question for a stream, from all parents together.
        public var timeout: Milliseconds = 5_000
        /// Bytes of one stream that a parent may send ahead of what this node has taken in.
        public var window = 8 << 20
    }

    /// The module that chooses the ways of streams over many nodes.
    public struct Dispatch: Sendable, Equatable {
        /// Where nodes find one; any of them will do.
        public var servers: [Remote] = []
        /// Where the last routes are kept for a start without a dispatcher; empty is nowhere.
        public var cache = ""
        /// Where a dispatcher takes nodes.
        public var listen = [Endpoint(host: Endpoint.everywhere, port: 1938)]
        /// The same over TLS, where both sides show a certificate.
        public var tlsListen: [Endpoint] = []
        /// In front of both.
        public var proxies: [Network] = []
        /// The file that describes the network to a dispatcher.
        public var topology = ""
    }

    /// 0 is no limit.
    public struct Limits: Sendable, Equatable {
        /// Publishers, relay children and viewers.
        public var sessions = 100_000
        /// Open connections of all kinds; 0 is as many as the process may have, less what it needs itself.
        public var connections = 0
        public var streams = 10_000
        public var out: Kilobits = 0
        public var `in`: Kilobits = 0
        /// Of a loop's time, in percent.
        public var cpu = 0
        /// Bytes.
        public var memory = 0
        /// At this share of a limit, in percent, the dispatcher is to send nobody more.
        public var soft = 80
        /// What viewers leave to relay children, and those to publishers, in percent of each limit.
        public var reserve = 5
        public var streamViewers = 0
        public var streamOut: Kilobits = 0
        public var appViewers = 0
        public var appOut: Kilobits = 0
        /// To the nodes of one other data centre.
        public var idcOut: Kilobits = 0
        public var sessionsPerAddress = 0
        /// Publish attempts per second from one address.
        public var publishPerAddress = 0
    }

    public struct Metrics: Sendable, Equatable {
        /// The busiest streams that have series of their own; the rest is summed.
        public var streams = 100
    }

    public struct Log: Sendable, Equatable {
        public var format = Format.text
        public var level = Level.info

        public enum Format: String, Sendable, CaseIterable {
            case text, json
        }

        public enum Level: String, Sendable, CaseIterable, Comparable {
            case debug, info, warning, error

            public static func < (a: Level, b: Level) -> Bool { a.rank < b.rank }

            private var rank: Int {
                switch self {
                case .debug: 0
                case .info: 1
                case .warning: 2
                case .error: 3
                }
            }
        }
    }

    public struct Drain: Sendable, Equatable {
        /// What viewers are given after the first SIGTERM.
        public var timeout: Milliseconds = 10_000
    }
}

/// A duration. Files write it with its unit: `500ms`, `10s`, `2m`, `1h`.
public typealias Milliseconds = Int

/// A rate in kilobits a second. Files write it with its unit: `800kbit`, `500Mbit`, `10Gbit`.
public typealias Kilobits = Int
