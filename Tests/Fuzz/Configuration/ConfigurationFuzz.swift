import Configuration

/// Any bytes as a configuration file: accepted or refused with at least one problem, each on one line; what is
/// accepted reads back from its own listing.
func fuzzConfiguration(_ data: Span<UInt8>) {
    var yaml: [UInt8] = []
    for i in data.indices { yaml.append(data[i]) }
    do throws(ConfigurationError) {
        let settings = try Settings.parse(yaml: yaml, file: "fuzz.yaml")
        let overrides = settings.listing.map { "\($0.key)=\($0.value)" }
        let again = try? Settings.parse(yaml: [], file: "", overrides: overrides)
        precondition(again == settings, "the listing does not read back")
    } catch {
        precondition(!error.problems.isEmpty, "refused without a reason")
        for problem in error.problems {
            precondition(!problem.description.utf8.contains(UInt8(ascii: "\n")), "a problem of several lines")
        }
    }
}
