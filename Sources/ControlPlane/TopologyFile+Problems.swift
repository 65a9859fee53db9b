/// Gathers what is wrong with a topology file, up to a limit, beyond which problems are only counted.
import Configuration

extension TopologyFile {
    struct Problems {
        let file: String
        private var listed: [ConfigurationError.Problem] = []
        private var unlisted = 0

        init(file: String) { self.file = file }

        var isEmpty: Bool { listed.isEmpty }

        /// The advice is worked out only for a problem that is listed: looking for the nearest name takes its time.
        mutating func refuse(line: Int?, _ key: String?, _ fault: String, _ advice: @autoclosure () -> String) {
            guard listed.count < TopologyFile.problemLimit else {
                unlisted += 1
                return
            }
            let place = line.map { ConfigurationError.Place.line(file: file, $0) } ?? .file(file)
            let problem = ConfigurationError.Problem(place: place, key: key, fault: fault, advice: advice())
            // A link both ways, or a value that another takes over, is judged twice and wrong once.
            if !listed.contains(problem) { listed.append(problem) }
        }

        /// What was found, in the order of the file; what concerns all of it stands first.
        var error: ConfigurationError {
            var problems = listed.enumerated()
                .sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }
                .map(\.element)
            if unlisted > 0 {
                problems.append(
                    ConfigurationError.Problem(
                        place: .file(file), key: nil, fault: "has \(unlisted) problems more",
                        advice: "correct these first"))
            }
            return ConfigurationError(problems: problems)
        }
    }
}
