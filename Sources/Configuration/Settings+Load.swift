/// From a file and a command line to settings, all or nothing.
extension Settings {
    /// Bytes of a configuration file. The annotated one has some 10,000.
    static let fileLimit = 1 << 20

    /// The defaults, changed by `file` when there is one, then by the overrides (`http.listen=127.0.0.1:18080`).
    public static func load(file: String?, overrides: [String]) throws(ConfigurationError) -> Settings {
        guard let file else { return try parse(yaml: [], file: "", overrides: overrides) }
        let yaml: [UInt8]
        do {
            yaml = try contents(of: file)
        } catch {
            throw ConfigurationError(problems: [
                ConfigurationError.Problem(place: .file(file), key: nil, fault: error.fault, advice: error.advice)
            ])
        }
        return try parse(yaml: yaml, file: file, overrides: overrides)
    }

    /// As `load`, for a file whose bytes are at hand; `file` is the name that problems give.
    public static func parse(
        yaml: [UInt8], file: String, overrides: [String] = []
    ) throws(ConfigurationError) -> Settings {
        var reader = SettingsReader()
        reader.read(yaml: yaml, file: file)
        for override in overrides { reader.read(override: override) }
        reader.checkTogether()
        if reader.problems.isEmpty { return reader.exceptions.applied(to: reader.settings) }
        throw ConfigurationError(problems: reader.problems)
    }

    /// Every key with the value in force, in the order of the annotated file.
    public var listing: [(key: String, value: String)] {
        var lines = Key.all.map { (key: $0.path, value: $0.show(self)) }
        for (target, own) in exceptions.sorted(by: { $0.key < $1.key }) {
            for key in Key.all where key.show(own) != key.show(self) {
                lines.append(("\(Exceptions.section).\(target).\(key.path)", key.show(own)))
            }
        }
        return lines
    }

    static func contents(of file: String) throws(ValueFault) -> [UInt8] {
        let bytes = try OperatorFile.contents(of: file, limit: fileLimit, advice: "give --config a file")
        guard bytes.count <= fileLimit else {
            throw ValueFault("longer than \(fileLimit >> 20) MiB", "give --config a configuration file")
        }
        return bytes
    }
}
