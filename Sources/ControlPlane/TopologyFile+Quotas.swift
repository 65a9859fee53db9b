/// The quotas of a topology file: what applications and streams may use of the whole network.
import Configuration
import Dispatch
import RelayProtocol

extension TopologyFile.Reader {
    mutating func readQuota(_ item: Document, _ path: String) {
        let resources = QuotaResource.allCases.map { "\($0)" }
        guard let fields = fields(item, path, known: ["app", "stream"] + resources) else { return }
        let scopes = [
            fields.value("app", .application, &problems), fields.value("stream", .stream, &problems),
        ]
        if fields["app"] != nil, let entry = fields["stream"] {
            return problems.refuse(
                line: entry.line, fields.key("stream"), "stands beside an app",
                "give the application and the stream an item each")
        }
        if fields["app"] == nil, fields["stream"] == nil {
            fields.missing("app", "the name of an application, or a stream: APP/NAME", &problems)
        }
        let quota = Quota(
            viewers: mark("viewers", .count, fields), out: mark("out", .rate, fields),
            publishers: mark("publishers", .count, fields))
        if !resources.contains(where: { fields[$0] != nil }) {
            problems.refuse(
                line: fields.line, path, "limits nothing", "give it viewers, out or publishers, or delete it")
        }
        guard let scope = scopes.compactMap({ $0 }).first else { return }
        if scope.stream != nil, let entry = fields["publishers"] {
            problems.refuse(
                line: entry.line, fields.key("publishers"), "is a limit of applications, not of one stream",
                "give it to app: \(scope.app)")
        }
        if let first = quotaLines[scope] {
            return problems.refuse(
                line: fields.line, path, "the \(scope.item) is given twice, first on line \(first)",
                "join the two")
        }
        quotaLines[scope] = fields.line
        items[scope.item] = fields
        quotas[scope] = quota
    }
}

extension TopologyFile.Kind<QuotaScope> {
    static let application = Self(
        expectation: "the name of an application, such as live",
        read: { (text) throws(ValueFault) in
            // Any name will do for the stream.
            guard RelayStreamName(app: text, name: "any") != nil else {
                throw ValueFault(
                    "\(quoted(text)) is not the name of an application",
                    "write 1 to \(RelayLimits.streamNamePart) bytes, such as live")
            }
            return QuotaScope(app: text)
        })

    static let stream = Self(
        expectation: "an application and a stream, such as live/final",
        read: { (text) throws(ValueFault) in
            guard let slash = text.lastIndex(of: "/"),
                let name = RelayStreamName(app: String(text[..<slash]), name: String(text[text.index(after: slash)...]))
            else {
                throw ValueFault("\(quoted(text)) is not the name of a stream", "write APP/NAME, such as live/final")
            }
            return QuotaScope(app: name.app, stream: name.name)
        })
}
