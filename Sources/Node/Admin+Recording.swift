/// The API's part on recordings: begins and ends them, says how they are doing, and lists what has been recorded.
import EventLoop
import Fanout
import HTTP
import Operations
import Recording

extension Admin {
    static func showRecording(_ app: String, _ name: String, _ exchange: HTTPExchange, _ pretty: Bool) {
        exchange.answerLater { snapshot in
            guard let stream = snapshot.streams.first(where: { $0.app == app && $0.name == name }) else {
                return missing("no stream \(app)/\(name) here", pretty)
            }
            guard let recording = stream.recording else { return missing("\(app)/\(name) is not recorded", pretty) }
            return .json(JSON.encode(recording, pretty: pretty))
        }
    }

    /// Answers with the recording's state; one that is there already goes on as it is.
    static func startRecording(
        _ app: String, _ name: String, body: [UInt8], _ exchange: HTTPExchange, _ pretty: Bool
    ) {
        let asked: RecordingRequest
        do throws(RecordingRequestError) {
            asked = try RecordingRequest(body: body)
        } catch {
            return exchange.answer(.json(JSON.encode(error: error.description, pretty: pretty), status: 400))
        }
        guard let name = StreamName(app: app, name: name), let handle = exchange.state.hub.find(name) else {
            return exchange.answer(missing("no stream \(app)/\(name) here", pretty))
        }
        let record = exchange.state.settings.of(app: name.app, stream: name.name).record
        guard !record.path.isEmpty else {
            let advice = "record.path is not set for \(name); name the folder to record into in the configuration"
            return exchange.answer(.json(JSON.encode(error: advice, pretty: pretty), status: 409))
        }
        let format = asked.format ?? record.format.recorded ?? .fmp4
        let me = LoopBound(Weak(exchange), on: exchange.loop)
        exchange.state.recordings.ask(fitOf: handle, in: format, from: exchange.loop) { loop, fit in
            guard let exchange = me.value(on: loop).object else { return }
            guard !fit.isNothing else {
                let misfit = Recordings.misfit(fit, format)
                return exchange.answer(.json(JSON.encode(error: misfit, pretty: pretty), status: 409))
            }
            exchange.state.log.write(
                .info, "api.record", session: exchange.session.id, [("stream", "\(name)"), ("format", format.rawValue)])
            exchange.session.worker.record(handle, format, isRequested: true)
            showRecording(name.app, name.name, exchange, pretty)
        }
    }

    static func stopRecording(_ app: String, _ name: String, _ exchange: HTTPExchange, _ pretty: Bool) {
        guard let name = StreamName(app: app, name: name), exchange.state.recordings.stop(name) else {
            return exchange.answer(missing("\(app)/\(name) is not recorded", pretty))
        }
        exchange.state.log.write(.info, "api.record_stop", session: exchange.session.id, [("stream", "\(name)")])
        exchange.answer(HTTPResponse(status: 204))
    }

    static func listRecordings(_ app: String, _ name: String, _ exchange: HTTPExchange, _ pretty: Bool) {
        guard let stream = StreamName(app: app, name: name) else {
            return exchange.answer(missing("\(app)/\(name) is no stream's name", pretty))
        }
        let me = LoopBound(Weak(exchange), on: exchange.loop)
        let mailbox = exchange.loop.mailbox
        let isAsked = exchange.state.recordings.list(stream) { result in
            let response: HTTPResponse =
                switch result {
                case .success(let files): .json(JSON.encode(files, pretty: pretty))
                case .failure(let error) where error.isMissing:
                    .json(JSON.encode([RecordedFile](), pretty: pretty))
                case .failure(let error):
                    .json(JSON.encode(error: error.description, pretty: pretty), status: 500)
                }
            mailbox.post { loop in me.value(on: loop).object?.answer(response) }
        }
        if !isAsked { exchange.answer(missing("record.path is not set for \(app)/\(name)", pretty)) }
    }
}
