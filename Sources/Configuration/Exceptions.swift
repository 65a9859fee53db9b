/// What differs for single applications or streams: sections and keys as at the top, under `apps` and a name.
///
/// A stream's own entry, `app/stream`, changes what its application's says, and that what holds for all.
struct Exceptions {
    static let section = "apps"
    /// Applications and streams with settings of their own.
    static let limit = 1_000

    private var values: [String: [(key: Key, texts: [String])]] = [:]

    mutating func set(_ key: Key, _ texts: [String], for target: String) throws(ValueFault) {
        // Wrong values are told where they stand, not when they are first needed.
        var scratch = Settings()
        try key.set(&scratch, texts)
        guard values[target] != nil || values.count < Exceptions.limit else {
            throw ValueFault("names more than \(Exceptions.limit) applications and streams", "give them fewer")
        }
        values[target, default: []].append((key, texts))
    }

    /// What a key of a target is called.
    static func path(_ target: String, _ key: String) -> String { "\(section).\(target).\(key)" }

    /// `settings`, with complete settings for each exception.
    func applied(to settings: Settings) -> Settings {
        var all = settings
        for target in values.keys {
            var own = settings
            if let slash = target.lastIndex(of: "/") { apply(values[String(target[..<slash])], to: &own) }
            apply(values[target], to: &own)
            all.exceptions[target] = own
        }
        return all
    }

    private func apply(_ list: [(key: Key, texts: [String])]?, to settings: inout Settings) {
        // Each was tried when it was set.
        for (key, texts) in list ?? [] { try? key.set(&settings, texts) }
    }

    /// An override's `apps.NAME.section.key`, whatever points the name holds.
    static func split(_ path: String) -> (target: String, key: String)? {
        let parts = path.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0] == section else { return nil }
        // A key of no section stands alone, unless a section's is meant.
        if Key.byPath[String(parts[parts.count - 1])] != nil,
            Key.byPath[parts.suffix(2).joined(separator: ".")] == nil
        {
            let target = parts[1..<(parts.count - 1)].joined(separator: ".")
            return target.isEmpty ? nil : (target, String(parts[parts.count - 1]))
        }
        guard parts.count >= 4 else { return nil }
        let target = parts[1..<(parts.count - 2)].joined(separator: ".")
        return target.isEmpty ? nil : (target, parts.suffix(2).joined(separator: "."))
    }
}

extension SettingsReader {
    mutating func readExceptions(_ entry: Document.Entry, file: String) {
        let example = "write the name of an application, and under it sections such as limits"
        guard case .map(let targets, _) = entry.value else {
            if case .scalar("", _) = entry.value { return }
            return refuse(.line(file: file, entry.line), entry.name, "is not a map of applications", example)
        }
        for target in targets {
            let place = ConfigurationError.Place.line(file: file, target.line)
            switch target.value {
            case .scalar("", _): continue
            case .map(let sections, _):
                for section in sections { readException(target.name, section, file: file) }
            case .scalar, .list: refuse(place, printable("\(entry.name).\(target.name)"), "has no sections", example)
            }
        }
    }

    private mutating func readException(_ target: String, _ section: Document.Entry, file: String) {
        if Key.byPath[section.name] != nil {
            return setException(target, section.name, section.value, at: .line(file: file, section.line))
        }
        switch section.value {
        case .scalar("", _): return
        case .map(let entries, _):
            for entry in entries {
                setException(
                    target, "\(section.name).\(entry.name)", entry.value, at: .line(file: file, entry.line))
            }
        case .scalar, .list:
            let name = "\(Exceptions.section).\(target).\(section.name)"
            let advice = "the sections are \(Exceptions.sections.joined(separator: ", "))"
            refuse(.line(file: file, section.line), printable(name), "is a section, not a value", advice)
        }
    }

    mutating func setException(
        _ target: String, _ path: String, _ value: Document, at place: ConfigurationError.Place
    ) {
        let name = printable(Exceptions.path(target, path))
        guard let index = Key.byPath[path] else {
            return refuse(place, name, "unknown key", advice(forUnknown: path))
        }
        guard Key.all[index].isPerApp else {
            let keys = Key.all.filter(\.isPerApp).map(\.path).joined(separator: ", ")
            return refuse(place, name, "is the same for all applications", "these may differ: \(keys)")
        }
        set(Key.all[index], value, at: place, for: target)
    }
}

extension Exceptions {
    fileprivate static let sections = Key.sections.filter { section in
        Key.all.contains { $0.isPerApp && $0.section ?? "" == section }
    }
}
