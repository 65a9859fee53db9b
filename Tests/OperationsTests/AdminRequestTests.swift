import Operations
import Testing

@Suite struct AdminRequestTests {
    @Test(
        "each documented request finds its route",
        arguments: [
            ("GET", "/api/v1/streams", AdminRoute.streams),
            ("GET", "/api/v1/streams/", .streams),
            ("HEAD", "/api/v1/streams?pretty", .streams),
            ("GET", "/api/v1/streams/live/a", .stream(app: "live", name: "a")),
            ("DELETE", "/api/v1/streams/live/a", .kickStream(app: "live", name: "a")),
            ("GET", "/api/v1/streams/live/room/a", .stream(app: "live/room", name: "a")),
            ("GET", "/api/v1/streams/live/a%2Fb%20c", .stream(app: "live", name: "a/b c")),
            ("GET", "/api/v1/sessions", .sessions(stream: nil)),
            ("GET", "/api/v1/sessions?stream=live%2Fa", .sessions(stream: "live/a")),
            ("GET", "/api/v1/sessions?x=1&stream=live/a", .sessions(stream: "live/a")),
            ("GET", "/api/v1/sessions/r-1", .session(id: "r-1")),
            ("DELETE", "/api/v1/sessions/r-1", .kickSession(id: "r-1")),
            ("GET", "/api/v1/pushes", .pushes),
            ("GET", "/api/v1/streams/live/a/pushes", .streamPushes(app: "live", name: "a")),
            ("POST", "/api/v1/streams/live/room/a/pushes", .addPush(app: "live/room", name: "a")),
            ("GET", "/api/v1/streams/live/a/pushes/p1", .push(app: "live", name: "a", id: "p1")),
            ("DELETE", "/api/v1/streams/live/a/pushes/p1", .stopPush(app: "live", name: "a", id: "p1")),
            ("PUT", "/api/v1/streams/live/a/pushes", .methodNotAllowed(allow: "GET, HEAD, POST")),
            ("GET", "/api/v1/streams/live/pushes", .stream(app: "live", name: "pushes")),
            ("GET", "/api/v1/streams/live%2Froom/pushes", .stream(app: "live/room", name: "pushes")),
            ("GET", "/api/v1/node", .node),
            ("GET", "/api/v1/streams/live/a/recording", .recording(app: "live", name: "a")),
            ("POST", "/api/v1/streams/live/room/a/recording", .startRecording(app: "live/room", name: "a")),
            ("DELETE", "/api/v1/streams/live/a/recording", .stopRecording(app: "live", name: "a")),
            ("GET", "/api/v1/streams/live/recording", .stream(app: "live", name: "recording")),
            ("GET", "/api/v1/recordings/live/a", .recordings(app: "live", name: "a")),
            ("GET", "/api/v1/streams/live/room/a/rewind", .window(app: "live/room", name: "a")),
            ("GET", "/api/v1/streams/live/rewind", .stream(app: "live", name: "rewind")),
            ("GET", "/metrics", .metrics),
            ("GET", "/healthz", .health),
            ("GET", "/readyz?verbose", .ready),
        ])
    func routes(_ method: String, _ path: String, _ route: AdminRoute) {
        #expect(AdminRequest.parse(method: method, path: path) == route)
    }

    @Test(
        "what does not exist is not found",
        arguments: [
            "", "/", "*", "//", "/api", "/api/v1", "/api/v2/streams", "/api/v1/streams/live", "/api/v1//streams",
            "/api/v1/nodes", "/api/v1/sessions/a/b", "/metrics/x", "/api/v1/streams/live/%", "/api/v1/streams/live/%4",
            "/api/v1/streams/live/%zz", "/api/v1/streams/live/%ff", "/api/v1/streams/%00%", "http://x/metrics",
            "/../metrics",
        ])
    func notFound(_ path: String) { #expect(AdminRequest.parse(method: "GET", path: path) == .notFound) }

    @Test("a method that a path does not know is answered with those it knows")
    func methods() {
        #expect(AdminRequest.parse(method: "POST", path: "/api/v1/node") == .methodNotAllowed(allow: "GET, HEAD"))
        #expect(AdminRequest.parse(method: "DELETE", path: "/metrics") == .methodNotAllowed(allow: "GET, HEAD"))
        #expect(AdminRequest.parse(method: "DELETE", path: "/api/v1/streams") == .methodNotAllowed(allow: "GET, HEAD"))
        let both = AdminRoute.methodNotAllowed(allow: "GET, HEAD, DELETE")
        #expect(AdminRequest.parse(method: "PUT", path: "/api/v1/streams/live/a") == both)
        #expect(AdminRequest.parse(method: "get", path: "/api/v1/sessions/r-1") == both)
        let three = AdminRoute.methodNotAllowed(allow: "GET, HEAD, DELETE, POST")
        #expect(AdminRequest.parse(method: "PUT", path: "/api/v1/streams/live/a/recording") == three)
        #expect(AdminRequest.parse(method: "POST", path: "/nothing") == .notFound)
    }

    @Test("pretty is asked for by name")
    func pretty() {
        #expect(AdminRequest.wantsPretty(path: "/api/v1/node?pretty"))
        #expect(AdminRequest.wantsPretty(path: "/api/v1/node?a=b&pretty=1"))
        #expect(!AdminRequest.wantsPretty(path: "/api/v1/node?pretty=0"))
        #expect(!AdminRequest.wantsPretty(path: "/api/v1/node?prettyish"))
    }

    @Test("no path of random bytes traps")
    func random() {
        var seed: UInt64 = 1
        let alphabet = Array("/%?=&#aA0f+\u{0}é.".unicodeScalars)
        for _ in 0..<20_000 {
            var path = String.UnicodeScalarView("/api/v1/streams".unicodeScalars)
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            for shift in 0..<Int(seed >> 60) {
                path.append(alphabet[Int(seed >> (shift * 3) & 0xFF) % alphabet.count])
            }
            _ = AdminRequest.parse(method: "GET", path: String(path))
        }
    }
}
