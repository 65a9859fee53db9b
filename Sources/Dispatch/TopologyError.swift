/// Why a topology was refused: every problem at once, each naming its item, so that the operator edits the file once.
public struct TopologyError: Error, Hashable, Sendable, CustomStringConvertible {
    public let problems: [Problem]

    public var description: String { problems.map(\.description).joined(separator: "\n") }

    /// Problems that are listed; a file that is wrong throughout needs no longer list.
    public static let problemLimit = 50

    public enum Problem: Hashable, Sendable, CustomStringConvertible {
        case empty
        case tooMany(what: String, count: Int, limit: Int)
        case unnamed(what: String, position: Int)
        case duplicate(what: String, name: String)
        case unknownIDC(in: String, idc: String)
        case sameEnds(idc: String)
        case outOfRange(item: String, field: String, value: Double, allowed: String)
        case softAboveHard(item: String, field: String, soft: Double, hard: Double)
        case noCoordinates(idc: String, linkClass: String)

        public var description: String {
            switch self {
            case .empty: "topology: it has no nodes; list at least one IDC and one node in it"
            case .tooMany(let what, let count, let limit):
                "topology: \(count) \(what) are more than the \(limit) that one dispatcher handles; split the network"
            case .unnamed(let what, let position): "\(what) number \(position + 1): it has no id; give it one"
            case .duplicate(let what, let name): "\(what) \"\(name)\": it is listed twice; rename or remove one"
            case .unknownIDC(let item, let idc): "\(item): there is no IDC \"\(idc)\"; list it, or correct the name"
            case .sameEnds(let idc):
                "link \"\(idc)\" to itself: nodes of an IDC need no link; remove it"
            case .outOfRange(let item, let field, let value, let allowed):
                "\(item): \(field) is \(value); it must be \(allowed)"
            case .softAboveHard(let item, let field, let soft, let hard):
                "\(item): \(field) has a soft mark of \(soft) above its hard mark of \(hard); lower the soft mark"
            case .noCoordinates(let idc, let linkClass):
                "IDC \"\(idc)\": link class \"\(linkClass)\" derives the round trip from coordinates, and it has none; "
                    + "add its latitude and longitude, or list its links"
            }
        }
    }
}
