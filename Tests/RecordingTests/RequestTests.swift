import Testing

@testable import Recording

struct RequestTests {
    @Test("a request without a body leaves the format to the settings", arguments: ["", " \n", "{}"])
    func empty(body: String) throws { #expect(try RecordingRequest(body: Array(body.utf8)).format == nil) }

    @Test("a request may name a format")
    func format() throws {
        #expect(try RecordingRequest(body: Array(#"{"format": "ts"}"#.utf8)).format == .ts)
    }

    @Test("a request that is wrong is told what is right")
    func wrong() {
        func failure(_ body: String) -> RecordingRequestError? {
            do throws(RecordingRequestError) {
                _ = try RecordingRequest(body: Array(body.utf8))
                return nil
            } catch { return error }
        }
        #expect(failure("format=ts") == .notAnObject)
        #expect(failure("[]") == .notAnObject)
        #expect(failure(#"{"format": "avi"}"#) == .format)
        #expect(failure(#"{"format": 1}"#) == .format)
        #expect(failure(#"{"codec": "h264"}"#) == .unknown("codec"))
        #expect(failure(String(repeating: " ", count: 5000) + "{}") == .notAnObject)
    }

    @Test("the applications below a folder are found in its indexes and in what a crash has left")
    func apps() throws {
        let disk = MemoryDisk()
        let writer = DiskWriter(disk: disk) { _ in }
        for app in ["live", "vod"] {
            let library = RecordingLibrary(app: app, root: "/rec")
            writer.add(library)
            let log = LiveLog()
            let recorder = Recorder(
                app: app, stream: "a", settings: RecordingSettings(batchMilliseconds: 0), library: library,
                writer: writer)
            log.frame(100, at: 0, keyframe: true)
            log.tell(recorder)
            if app == "live" { recorder.finish(.ended) }
            while writer.turn() {}
            #expect(Set(found(writer)) == (app == "live" ? ["live"] : ["live", "vod"]))
            recorder.finish(.ended)
        }
    }

    private func found(_ writer: DiskWriter) -> [String] {
        let apps = Monitor<[String]>([])
        writer.findApps(below: "/rec") { found in apps.with { $0 = found } }
        while writer.turn() {}
        return apps.with { $0 }
    }
}
