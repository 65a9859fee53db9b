/// The command line: picks the verb, reads the configuration, says what is wrong in words.
import Configuration
import ControlPlane
import EventLoop
import Glibc
import Node

enum Command {
    private static let help = """
        Sluice, a live stream relay and fan-out server

        usage:
          sluice serve [--config FILE] [--set KEY=VALUE]...   run a node; without a file, on the defaults
          sluice check FILE [--set KEY=VALUE]...              say whether a configuration is good
          sluice dispatch [--config FILE] [--set KEY=VALUE]...
                                                              run a dispatcher: it chooses the ways of streams over
                                                              the nodes of dispatch.topology
          sluice version                                      print the version
          sluice help                                         print this

        Any key of the configuration can be set on the command line, such as
          sluice serve --set http.listen=127.0.0.1:18080 --set threads=1

        """

    static func run(_ arguments: [String]) {
        let rest = Array(arguments.dropFirst(2))
        switch arguments.dropFirst().first {
        case "serve": serve(rest)
        case "check": check(rest)
        case "dispatch": dispatch(rest)
        case "version", "--version": print("sluice \(Node.version)")
        case "help", "--help", "-h": print(help, terminator: "")
        case nil: refuse("say what to do\n\n" + help)
        case let verb?: refuse("there is no command '\(verb)'\n\n" + help)
        }
    }

    private struct Options {
        var file: String?
        var overrides: [String] = []
    }

    private static func parse(_ arguments: [String], fileFlag: String?) -> Options {
        var options = Options()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            func value(_ flag: String) -> String {
                if parts.count == 2, parts[0] == flag { return parts[1] }
                guard let value = rest.popFirst() else { refuse("\(flag) needs a value") }
                return value
            }
            switch parts.first {
            case "--set": options.overrides.append(value("--set"))
            case "--config" where fileFlag == "--config": options.file = value("--config")
            case _ where fileFlag == nil && options.file == nil && !argument.hasPrefix("-"): options.file = argument
            default: refuse("'\(argument)' is not understood here; see sluice help")
            }
        }
        return options
    }

    private static func load(_ options: Options) -> Settings {
        do {
            return try Settings.load(file: options.file, overrides: options.overrides)
        } catch {
            refuse(error.description)
        }
    }

    private static func serve(_ arguments: [String]) {
        let settings = load(parse(arguments, fileFlag: "--config"))
        do {
            try Node.run(settings) { ports in greet(ports, settings) }
        } catch {
            refuse(error.description, status: 1)
        }
    }

    private static func dispatch(_ arguments: [String]) {
        let settings = load(parse(arguments, fileFlag: "--config"))
        guard !settings.dispatch.topology.isEmpty else {
            refuse("a dispatcher needs dispatch.topology, the file that describes the network; see conf/topology.yaml")
        }
        do {
            let topology = try TopologyFile.load(settings.dispatch.topology)
            let identity = try Node.relayConfiguration(settings)
            let log = EventLog(settings.log)
            let certificates = try Certificates(settings.tls).nodes
            try DispatchServer.run(topology, identity, settings, certificates: certificates) {
                level, event, session, fields in
                log.write(level, event, session: session, fields)
            }
        } catch {
            refuse("\(error)", status: 1)
        }
    }

    private static func check(_ arguments: [String]) {
        let options = parse(arguments, fileFlag: nil)
        guard let file = options.file else { refuse("sluice check needs a file") }
        _ = load(options)
        print("\(file): good")
    }

    /// Tells a newcomer what to do next; a program reads the log instead.
    private static func greet(_ ports: Node.Ports, _ settings: Settings) {
        guard isatty(1) == 1 else { return }
        func place(_ endpoints: [Endpoint], _ ports: [UInt16]) -> String? {
            guard let endpoint = endpoints.first, let port = ports.first else { return nil }
            return "\(endpoint.host == Endpoint.everywhere ? "localhost" : endpoint.host):\(port)"
        }
        print("")
        if let rtmp = place(settings.rtmp.listen, ports.rtmp) {
            print("  push    rtmp://\(rtmp)/live/NAME     (OBS: server rtmp://\(rtmp)/live, stream key NAME)")
            print("  watch   rtmp://\(rtmp)/live/NAME")
        }
        if let srt = place(settings.srt.listen, ports.srt) {
            print("  push    srt://\(srt)?streamid=publish:live/NAME")
            print("  watch   srt://\(srt)?streamid=live/NAME")
        }
        if let http = place(settings.http.listen, ports.http) {
            print("          http://\(http)/live/NAME.flv")
            print("          http://\(http)/ in a browser")
        }
        if let relay = place(settings.relay.listen, ports.relay) { print("  relay   \(relay)") }
        if let api = place(settings.api.listen, ports.api) { print("  state   http://\(api)/api/v1/streams") }
        print("")
    }

    private static func refuse(_ message: String, status: Int32 = 2) -> Never {
        EventLoop.Process.write(Array("sluice: \(message)\n".utf8), to: 2)
        exit(status)
    }
}
