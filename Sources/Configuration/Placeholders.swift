/// Texts of the settings that hold for many streams: `{app}` and `{stream}` stand for the names of the one in question.
extension String {
    public func filled(app: String, stream: String) -> String {
        with("{stream}", replacedBy: stream).with("{app}", replacedBy: app)
    }

    func with(_ word: String, replacedBy other: String) -> String {
        var result = ""
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(word) {
                result += other
                rest = rest.dropFirst(word.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }
}
