//! The command line.

struct Options {
    var mode = ""
    var urls: [String] = []
    var publishURLs: [String] = []
    var file: String?
    var streams = 1
    var viewers = 1
    var seconds = 10.0
    var warmup = 2.0
    var lead = 1.0
    var connectRate = 500.0
    var stall = 0.0
    var serverPID: Int32?
    var json = false
    var quiet = false
    var strict = false
    var reportEvery: Double?
    var eachViewer = false
    var reconnect: Double?
    var listen = "127.0.0.1:0"
    var interval = 0.030
    var portFile: String?
    var transport: Transport?
    var srt = SRTSettings()
    /// Where the clock of published MPEG-TS starts, in ticks of 90 kHz.
    var clockStart: UInt64 = 0
    var count = 1000
    var parallel = 50
    var follow = HLSCourse.segments

    static let modes = ["publish", "play", "both", "floor", "copy", "churn", "hls"]

    init(_ arguments: [String]) throws(Failure) {
        var rest = arguments[...]
        mode = rest.popFirst() ?? "--help"
        while let option = rest.popFirst() {
            switch option {
            case "--json": json = true
            case "--quiet": quiet = true
            case "--strict": strict = true
            case "--no-read": stall = 1
            case "--each-viewer": eachViewer = true
            case "--help", "-h": mode = "--help"
            default:
                guard let value = rest.popFirst() else { throw Failure("\(option) needs a value") }
                try set(option, value)
            }
        }
        if mode != "floor", let transport {
            for url in urls + publishURLs where try Target(url).transport != transport {
                throw Failure("\(url): --protocol \(transport.rawValue) was given; use it only with such URLs")
            }
        }
        if mode == "publish", !arguments.contains("--seconds") { seconds = .infinity }
    }

    private mutating func set(_ option: String, _ value: String) throws(Failure) {
        switch option {
        case "--url": urls.append(value)
        case "--publish-url": publishURLs.append(value)
        case "--file": file = value
        case "--streams": streams = try Options.whole(option, value, 1...100_000)
        case "--viewers": viewers = try Options.whole(option, value, 1...1_000_000)
        case "--seconds": seconds = try Options.number(option, value)
        case "--warmup": warmup = try Options.number(option, value)
        case "--lead": lead = try Options.number(option, value)
        case "--connect-rate": connectRate = max(0.1, try Options.number(option, value))
        case "--report-every": reportEvery = max(0.05, try Options.number(option, value))
        case "--reconnect": reconnect = max(0.01, try Options.number(option, value))
        case "--stall": stall = min(1, try Options.number(option, value))
        case "--server-pid": serverPID = Int32(try Options.whole(option, value, 1...0x7fff_ffff))
        case "--listen": listen = value
        case "--interval": interval = try Options.number(option, value.hasSuffix("ms") ? value : value + "s")
        case "--port-file": portFile = value
        case "--protocol":
            guard let known = Transport(rawValue: value), known != .webSocket else {
                throw Failure("--protocol \(value): it is http-flv, rtmp or srt")
            }
            transport = known
        case "--latency": srt.latency = Int32(try Options.whole(option, value, 0...60_000))
        case "--passphrase": srt.passphrase = value
        case "--clock-start":
            // 33 bits of 90 kHz last 26.5 hours.
            clockStart = UInt64(max(0, min(95_443, try Options.number(option, value))) * 90_000)
        case "--follow":
            guard let known = HLSCourse(rawValue: value) else {
                throw Failure("--follow \(value): it is segments, parts or playlists")
            }
            follow = known
        case "--count": count = try Options.whole(option, value, 1...1_000_000_000)
        case "--parallel": parallel = try Options.whole(option, value, 1...20_000)
        default: throw Failure("\(option) is not known; see loadgen --help")
        }
    }

    private static func whole(_ option: String, _ value: String, _ range: ClosedRange<Int>) throws(Failure) -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw Failure("\(option) \(value): a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A number, in seconds where it is a time; `30ms` and `2s` are understood.
    private static func number(_ option: String, _ value: String) throws(Failure) -> Double {
        let scale = value.hasSuffix("ms") ? 0.001 : 1
        let digits = value.prefix { $0 != "m" && $0 != "s" }
        guard let number = Double(digits), number >= 0 else {
            throw Failure("\(option) \(value): a number, not below 0")
        }
        return number * scale
    }

    static let help = """
        loadgen: publishes, plays and measures live streams over RTMP, HTTP-FLV, WebSocket-FLV, SRT and HLS.

        usage: loadgen MODE [options]

        publish  --file F.flv --url rtmp://HOST:PORT/APP/PREFIX|srt://… [--streams K] [--seconds S]
                 Publishes the file in a loop, in real time, to K streams (PREFIX0 and so on; just PREFIX when K is
                 1). Every H.264 picture gets an SEI NAL unit with a clock and a sequence number.
        play     --url rtmp://…|http://…|ws://…|srt://… [--url …] --viewers N [--streams K] [--seconds S] [--warmup S]
                 [--connect-rate R] [--stall FRACTION | --no-read] [--server-pid P]
                 Plays with N viewers, spread over the URLs and their K streams, and reports lost and doubled
                 pictures, timestamps that go back, stalls, the longest stall of each viewer, disconnects, time to
                 first frame and latency. Warm-up begins when the last viewer has connected.
        both     --publish-url rtmp://…|srt://… with the options of both: publishes, waits --lead seconds, plays.
        floor    --file F.flv --listen HOST:PORT [--interval 30ms] [--port-file F] [--protocol http-flv|rtmp|srt]
                 A bare server: writes the same bytes from memory to every viewer at each interval. What it costs
                 is what the kernel costs; over SRT, what libsrt costs. Any path is the stream.
        copy     --url HOST:PORT --listen HOST:PORT [--port-file F]
                 A bare relay: connects to the URL for each connection that it gets, and hands on what comes.
        churn    --url … --count N [--parallel P] [--server-pid P] [--file F.flv --publish-url rtmp://…]
                 Connects, waits for the first bytes of the stream, disconnects (every other one by a reset).
        hls      --url http://HOST:PORT/APP/STREAM --viewers N [--follow segments|parts|playlists] [--server-pid P]
                 [--file F.flv --publish-url rtmp://…]
                 N viewers of HLS, each on a keep-alive connection. Reports failures and the time to each answer; of
                 parts that viewers wait for, the time from the part's end (the picture that begins the next one is
                 handed to the server) to each answer and to the last. The URL may be that of a playlist.

        --url U           may be given several times: viewer i plays from URL i modulo their number, stream i is
                          published to URL i modulo their number
        --publish-url U   where `both` publishes, when the viewers use another URL; may be given several times too
        --file F          the FLV file: H.264 video, with or without audio
        --streams K       streams (1)
        --viewers N       viewers (1)
        --seconds S       the measured time (10; publish: for ever)
        --warmup S        time between the last connect and the measured time (2)
        --lead S          both: time between the first picture and the first viewer (1)
        --connect-rate R  viewers that connect in a second (500)
        --stall F         this share of the viewers stops reading after its first keyframe; --no-read: all do
        --report-every S  one JSON object a line for every S seconds of the measured time: the longest stall of all
                          viewers and its percentiles over them, pictures lost and doubled, disconnects, viewers
                          playing, publishers publishing; from_s and until_s are of the machine's monotonic clock
        --each-viewer     with --report-every: the longest stall of each viewer too, and who lost pictures
        --reconnect S     who is disconnected connects again S seconds later: a viewer to its URL, a publisher to the
                          next URL, from the next keyframe on. Without it they stay away
        --protocol P      with SRT: all URLs must be of this protocol; the floor: what it speaks (http-flv)
        --latency MS      SRT: packets are held back so long, so that lost ones can come again; the server may ask for
                          more (120). Part of the latency that is reported; what is beyond it is reported too
        --passphrase P    SRT: encrypt, with this passphrase
        --clock-start S   SRT: where the clock of published MPEG-TS starts; it rolls over at 95443.7
        --server-pid P    measure this process: CPU time and memory
        --follow COURSE   hls: segments fetches whole ones, and the playlist again after each target duration (the
                          default); with low latency, parts waits for the part that the playlist announces, playlists
                          for the playlist with the next part in it
        --strict          exit with 1 when a picture was lost or doubled, or a viewer was disconnected; hls: when
                          anything failed
        --json            one JSON object on the standard output instead of the table; on one line of its own with
                          --report-every
        --quiet           no progress on the standard error

        Exit codes: 0 done, 1 failed, 2 the command line is wrong. Ctrl-C ends a run early, with its report.
        """
}
