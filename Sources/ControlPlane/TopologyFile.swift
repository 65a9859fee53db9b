/// The network as an operator writes it: a YAML file of IDCs, nodes, links and classes of links, read to a `Topology`,
/// all or nothing. `conf/topology.yaml` explains every key.
///
/// Every problem of a file is found at once, each with the file, the line and the key. Names that nobody knows, units
/// that are missing and references that lead nowhere are found here; ranges, and what only shows when the whole network
/// is known, are `Topology`'s to judge, and its judgement is given the line of the value that it means.
import Configuration
import Dispatch

public enum TopologyFile {
    /// Bytes of a topology file. The most nodes that a topology may hold leave each 256.
    public static let sizeLimit = 4 << 20
    /// Values and names in a file, of which a node has about 25.
    public static let valueLimit = 1 << 19
    /// Classes of links. Each pair of IDCs looks through them.
    public static let classLimit = 256
    /// Problems that are listed. A file that is wrong throughout needs no longer list.
    public static let problemLimit = 100

    static let example = "conf/topology.yaml"

    /// The topology of the file at `path`.
    public static func load(_ path: String) throws(ConfigurationError) -> Topology {
        let yaml: [UInt8]
        do {
            yaml = try contents(of: path)
        } catch {
            throw ConfigurationError(problems: [
                ConfigurationError.Problem(place: .file(path), key: nil, fault: error.fault, advice: error.advice)
            ])
        }
        return try parse(yaml: yaml, file: path)
    }

    /// As `load`, for a file whose bytes are at hand; `file` is the name that problems give.
    public static func parse(yaml: [UInt8], file: String) throws(ConfigurationError) -> Topology {
        var reader = Reader(file: file)
        reader.read(yaml: yaml)
        let topology = reader.topology()
        guard let topology, reader.problems.isEmpty else { throw reader.problems.error }
        return topology
    }

    static func contents(of path: String) throws(ValueFault) -> [UInt8] {
        try OperatorFile.contents(of: path, limit: sizeLimit, advice: "give a topology file")
    }
}
