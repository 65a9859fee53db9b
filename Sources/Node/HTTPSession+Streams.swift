/// Live streams over HTTP/1.1 and WebSockets: the connection is the stream's from its head on.
import EventLoop
import Fanout
import HTTP

extension HTTPSession {
    func deliverStream(_ exchange: HTTPExchange, _ wanted: StreamRequest) {
        self.wanted = wanted
        guard wanted.container != .flv else { return serve(exchange, wanted) }
        // Not every codec has a place in every container. Who asks for a stream that is here is told so; who waits for
        // one to appear finds out when its tracks are known.
        let fit = FitWatch(wanted, self)
        self.fit = fit
        guard let handle = state.hub.find(wanted.name) else { return serve(exchange, wanted) }
        fit.ask(of: handle) { [weak self] fit in
            guard let self, !isEnded, !exchange.isOver else { return }
            if fit.isNothing { exchange.answer(wanted.unfit(fit)) } else { serve(exchange, wanted) }
        }
    }

    private func serve(_ exchange: HTTPExchange, _ wanted: StreamRequest) {
        if exchange.isHead {
            guard state.hub.find(wanted.name) != nil else { return playIsMissing() }
            connection.write(streamHead)
            return end("answered")
        }
        guard wanted.isMessages else {
            mode = .streaming
            return play(wanted.name, wanted.kind)
        }
        var reader = WebSocketReader()
        let remainder = parser.takeRemainder()
        do { try reader.receive(remainder.span) } catch { return fail(error.reason, error.description) }
        mode = .webSocket(reader)
        play(wanted.name, wanted.kind)
    }

    var streamHead: [UInt8] {
        HTTPResponse.streamHead(contentType: wanted?.container.contentType ?? "", date: HTTPDate.now)
    }
}
