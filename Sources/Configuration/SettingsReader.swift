/// Builds settings from a document and overrides, and gathers every problem on the way instead of stopping at the
/// first. Later givers win: the file over the defaults, an override over the file, the last override over the others.
struct SettingsReader {
    private(set) var settings = Settings()
    private(set) var problems: [ConfigurationError.Problem] = []
    private(set) var exceptions = Exceptions()
    /// Where each key was given, for the problems that only show when all values are known.
    private var places: [String: ConfigurationError.Place] = [:]

    mutating func refuse(_ place: ConfigurationError.Place, _ key: String?, _ fault: String, _ advice: String) {
        problems.append(ConfigurationError.Problem(place: place, key: key, fault: fault, advice: advice))
    }

    // MARK: The file

    mutating func read(yaml: [UInt8], file: String) {
        let document: Document?
        do {
            document = try Document.read(yaml)
        } catch {
            return refuse(.line(file: file, error.line), nil, error.fault, error.advice)
        }
        switch document {
        case nil, .scalar("", _): return
        case .map(let entries, _): read(entries, section: nil, file: file)
        case .scalar(_, let line), .list(_, let line):
            refuse(.line(file: file, line), nil, "not a map of keys", "write \"key: value\" lines")
        }
    }

    private mutating func read(_ entries: [Document.Entry], section: String?, file: String) {
        var lines: [String: Int] = [:]
        for entry in entries {
            let path = section.map { "\($0).\(entry.name)" } ?? entry.name
            let place = ConfigurationError.Place.line(file: file, entry.line)
            if let first = lines.updateValue(entry.line, forKey: path) {
                refuse(place, printable(path), "given twice, first on line \(first)", "delete one of them")
            } else if let index = Key.byPath[path] {
                set(Key.all[index], entry.value, at: place)
            } else if section == nil, Key.sections.contains(path) {
                readSection(entry, file: file)
            } else if section == nil, path == Exceptions.section {
                readExceptions(entry, file: file)
            } else {
                refuse(place, printable(path), "unknown key", advice(forUnknown: path))
            }
        }
    }

    private mutating func readSection(_ entry: Document.Entry, file: String) {
        switch entry.value {
        case .map(let entries, _): read(entries, section: entry.name, file: file)
        // A section whose keys are all commented out.
        case .scalar("", _): return
        case .scalar, .list:
            let place = ConfigurationError.Place.line(file: file, entry.line)
            refuse(place, entry.name, "is a section, not a value", "put \(examples(of: entry.name)) under it")
        }
    }

    mutating func set(
        _ key: Key, _ value: Document, at place: ConfigurationError.Place, for target: String? = nil
    ) {
        switch value {
        case .scalar("", _): refuse(place, key.path, "has no value", "give it \(key.expectation), or delete the line")
        case .scalar(let text, _): set(key, [text], at: place, for: target)
        case .list(let items, _) where key.isList:
            var texts: [String] = []
            for item in items {
                guard case .scalar(let text, _) = item else {
                    return refuse(place, key.path, "lists something that is no address", "write \(key.expectation)")
                }
                texts.append(text)
            }
            set(key, texts, at: place, for: target)
        case .list: refuse(place, key.path, "takes one value, not a list", "write \(key.expectation)")
        case .map: refuse(place, key.path, "takes a value, not keys of its own", "write \(key.expectation)")
        }
    }

    // MARK: Overrides

    /// One `key=value`.
    mutating func read(override: String) {
        guard let equals = override.firstIndex(of: "=") else {
            return refuse(.override, printable(override), "has no value", "write --set KEY=VALUE")
        }
        let path = String(override[..<equals])
        let text = String(override[override.index(after: equals)...])
        if let index = Key.byPath[path] {
            set(Key.all[index], .scalar(text, line: 0), at: .override)
        } else if let (target, key) = Exceptions.split(path) {
            setException(target, key, .scalar(text, line: 0), at: .override)
        } else if Key.sections.contains(path) {
            refuse(.override, path, "is a section, not a value", "set one of its keys, such as \(examples(of: path))")
        } else {
            refuse(.override, printable(path), "unknown key", advice(forUnknown: path))
        }
    }

    // MARK: Both

    private mutating func set(
        _ key: Key, _ texts: [String], at place: ConfigurationError.Place, for target: String?
    ) {
        do {
            guard let target else {
                try key.set(&settings, texts)
                places[key.path] = place
                return
            }
            try exceptions.set(key, texts, for: target)
            places[Exceptions.path(target, key.path)] = place
        } catch {
            refuse(place, key.path, error.fault, error.advice)
        }
    }

    /// Values that are each possible and impossible together.
    mutating func checkTogether() {
        let play = settings.play
        if play.flushMax < play.flushInterval {
            let advice = "lower play.flush_interval, or raise play.flush_max"
            if let place = places["play.flush_max"] {
                let fault = "is below play.flush_interval, which is \(shown("play.flush_interval"))"
                refuse(place, "play.flush_max", fault, advice)
            } else if let place = places["play.flush_interval"] {
                let fault = "is above play.flush_max, which is \(shown("play.flush_max"))"
                refuse(place, "play.flush_interval", fault, advice)
            }
        }
        let srt = settings.srt
        if srt.latencyMax < srt.latency, let place = places["srt.latency_max"] ?? places["srt.latency"] {
            let fault = "is below srt.latency, which is \(shown("srt.latency"))"
            refuse(place, "srt.latency_max", fault, "raise it, or lower srt.latency")
        }
        if settings.rewind.window > 0, settings.rewind.path.isEmpty, let place = places["rewind.window"] {
            refuse(place, "rewind.window", "has no folder to be kept in", "set rewind.path")
        }
        checkRecordings()
        checkListeners()
        checkCertificates()
    }

    /// For all, and for each application and stream that says something of its own about it.
    private mutating func checkRecordings() {
        for (target, own) in exceptions.applied(to: settings).everywhere {
            let prefix = target.isEmpty ? "" : Exceptions.path(target, "")
            let given = { [places] (key: String) in places[prefix + key] }
            guard let conflict = own.record.conflict else { continue }
            let keys = [conflict.key] + Key.all.map(\.path).filter { $0.hasPrefix("record.") }
            guard let key = keys.first(where: { given($0) != nil }), let place = given(key) else { continue }
            refuse(place, conflict.key, conflict.fault, conflict.advice)
        }
    }

    private mutating func checkListeners() {
        let listeners = [
            ("rtmp.listen", settings.rtmp.listen), ("http.listen", settings.http.listen),
            ("rtmp.tls_listen", settings.rtmp.tlsListen), ("http.tls_listen", settings.http.tlsListen),
            ("api.listen", settings.api.listen), ("relay.listen", settings.relay.listen),
            ("relay.tls_listen", settings.relay.tlsListen),
        ]
        for (i, (later, endpoints)) in listeners.enumerated() {
            for (earlier, others) in listeners[..<i] {
                // Port 0 is another port each time.
                guard let both = endpoints.first(where: { $0.port != 0 && others.contains($0) }) else { continue }
                let (key, other) = places[later] != nil ? (later, earlier) : (earlier, later)
                guard let place = places[key] else { continue }
                refuse(place, key, "\(both) is also in \(other)", "give each its own port")
            }
        }
    }

    private mutating func checkCertificates() {
        let (certificates, keys) = (settings.tls.certificates, settings.tls.keys)
        if certificates.count != keys.count, let place = places["tls.keys"] ?? places["tls.certificates"] {
            let fault = "there are \(certificates.count) certificates and \(keys.count) keys"
            refuse(place, "tls.keys", fault, "give each certificate its key, in the same order")
        }
        let relays = (settings.relay.parents + settings.dispatch.servers).contains { $0.transport == .tls }
        let users = [
            ("rtmp.tls_listen", !settings.rtmp.tlsListen.isEmpty, false),
            ("http.tls_listen", !settings.http.tlsListen.isEmpty, false),
            ("relay.tls_listen", !settings.relay.tlsListen.isEmpty, true),
            ("dispatch.tls_listen", !settings.dispatch.tlsListen.isEmpty, true),
            (places["relay.parents"] != nil ? "relay.parents" : "dispatch.servers", relays, true),
        ]
        for (key, isUsed, isMutual) in users {
            guard isUsed, let place = places[key] else { continue }
            if certificates.isEmpty {
                refuse(place, key, "has no certificate to show", "set tls.certificates and tls.keys")
            } else if isMutual, settings.tls.authorities.isEmpty {
                let advice = "set tls.authorities to the file with the certificate that signs those of the nodes"
                refuse(place, key, "does not know whom to trust", advice)
            }
        }
    }

    private func shown(_ path: String) -> String {
        Key.byPath[path].map { Key.all[$0].show(settings) } ?? ""
    }

    private func examples(of section: String) -> String {
        Key.all.filter { $0.section ?? "" == section }.prefix(2).map(\.path).joined(separator: " or ")
    }

    func advice(forUnknown path: String) -> String {
        if let near = Spelling.nearest(to: path, in: Key.all.map(\.path) + Key.sections + [Exceptions.section]) {
            return "did you mean \(near)?"
        }
        // The right name in the wrong section, or in none.
        let name = path.lastIndex(of: ".").map { path[path.index(after: $0)...] } ?? path[...]
        let same = Key.all.filter { $0.name == name }.map(\.path)
        if !same.isEmpty { return "did you mean \(same.joined(separator: " or "))?" }
        if let dot = path.firstIndex(of: "."), Key.sections.contains(String(path[..<dot])) {
            let names = Key.all.filter { $0.section ?? "" == path[..<dot] }.map { String($0.name) }
            return "\(path[..<dot]) has \(names.joined(separator: ", "))"
        }
        return "the sections are \((Key.sections + [Exceptions.section]).joined(separator: ", "))"
    }
}
