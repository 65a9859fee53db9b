/// How much a node has to do, for the dispatcher: light enough to be asked for all the time.
import EventLoop
import Fanout
import Operations
import RelayProtocol

struct NodeLoad: Sendable {
    var sessions = 0
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
    /// The share of the loops' time in which they worked.
    var busy = 0.0
    var streams: [StreamName: (viewers: UInt32, kilobits: UInt32)] = [:]
    var links: [LinkMeasure] = []

    /// One loop's part.
    init(_ worker: Worker) {
        busy = worker.fanout.busy
        for session in worker.allSessions {
            sessions += 1
            bytesIn += session.carrier.bytesIn
            bytesOut += session.bytesOut
            if let link = (session as? RelaySession)?.measure { links.append(link) }
        }
        for (name, audience) in worker.fanout.audiences {
            streams[name, default: (0, 0)].viewers += UInt32(clamping: audience.viewers.values.reduce(0, +))
        }
        for (name, rate) in worker.ratesIn { streams[name, default: (0, 0)].kilobits = UInt32(max(0, rate) / 1000) }
    }

    /// The whole: all loops, and the sessions that have ended.
    init(_ parts: [NodeLoad], _ counters: NodeState.Counters) {
        bytesIn = counters.bytesIn
        bytesOut = counters.bytesOut
        for part in parts {
            sessions += part.sessions
            bytesIn += part.bytesIn
            bytesOut += part.bytesOut
            busy += part.busy / Double(parts.count)
            for (name, stream) in part.streams {
                streams[name, default: (0, 0)].viewers &+= stream.viewers
                streams[name]!.kilobits = max(streams[name]!.kilobits, stream.kilobits)
            }
            for link in part.links where links.count < RelayLimits.linkMeasures {
                if !links.contains(where: { $0.node == link.node }) { links.append(link) }
            }
        }
    }
}

extension Worker {
    /// Bits a second from the publishers of the streams whose home this loop is.
    var ratesIn: [StreamName: Double] { meters.ratesIn }
}
