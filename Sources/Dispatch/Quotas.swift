/// The quotas of applications and streams over the whole network: their marks, what each node uses of them, and up to
/// how much each may go.
///
/// Nodes count their own viewers and say at once when the numbers change; see `Allotment` for what keeps the sum of
/// what they let in bounded.
struct Quotas: Sendable {
    /// kbit/s of a viewer of a stream whose rate nobody knows yet.
    static let presumedRate = 4_000

    private(set) var entries: [QuotaScope: [QuotaResource: Allotment]] = [:]
    /// By name.
    private(set) var order: [QuotaScope] = []
    private var appNumbers: [String: Int] = ["": 0]
    private var apps: [String] = [""]

    /// Applications are numbered, so that a stream's takes little room.
    mutating func number(ofApp app: String) -> Int {
        if let known = appNumbers[app] { return known }
        appNumbers[app] = apps.count
        apps.append(app)
        return apps.count - 1
    }

    func app(_ number: Int) -> String { apps[number] }

    /// These and no others; what is used of those that stay is kept.
    mutating func set(_ quotas: [QuotaScope: Quota]) {
        entries = quotas.mapValues { _ in [:] }.merging(entries.filter { quotas[$0.key] != nil }) { $1 }
        for (scope, quota) in quotas { set(quota, of: scope) }
        order = entries.keys.sorted { ($0.app, $0.stream ?? "") < ($1.app, $1.stream ?? "") }
    }

    private mutating func set(_ quota: Quota, of scope: QuotaScope) {
        var entry = entries[scope] ?? [:]
        for resource in QuotaResource.allCases {
            guard let mark = quota[resource] else {
                entry[resource] = nil
                continue
            }
            if entry[resource]?.remark(mark, resource) == nil {
                entry[resource] = Allotment(mark, resource)
                if resource == .out { entry[resource]?.unit = Quotas.presumedRate }
            }
        }
        entries[scope] = entry
    }

    /// What one more would pass the hard mark of, in a stream's own quota or its application's.
    func shortage(app: String, stream: String?, _ needs: [(QuotaResource, Int)]) -> QuotaUse? {
        let scopes = (stream.map { [QuotaScope(app: app, stream: $0)] } ?? []) + [QuotaScope(app: app)]
        for scope in scopes {
            guard let entry = entries[scope] else { continue }
            for (resource, amount) in needs {
                guard let allotment = entry[resource], allotment.used + amount > allotment.hard else { continue }
                return QuotaUse(scope: scope, resource: resource, used: allotment.used, hard: allotment.hard)
            }
        }
        return nil
    }

    mutating func take(_ use: [QuotaResource: Int], of scope: QuotaScope, from node: Int, heard serial: UInt32) {
        for (resource, amount) in use {
            entries[scope]?[resource]?.take(max(0, amount), from: node, heard: serial)
        }
    }

    /// A stream of the scope has that rate: one more viewer takes so much.
    mutating func note(rate: Int, of scope: QuotaScope) {
        guard let unit = entries[scope]?[.out]?.unit, rate > unit else { return }
        entries[scope]?[.out]?.unit = rate
    }

    /// Which nodes are to be told anew.
    mutating func shareOut(_ scope: QuotaScope, _ serial: (Int) -> UInt32) -> Set<Int> {
        var nodes: Set<Int> = []
        for resource in QuotaResource.allCases {
            if let told = entries[scope]?[resource]?.shareOut(serial) { nodes.formUnion(told) }
        }
        return nodes
    }

    mutating func heard(_ serial: UInt32, by node: Int) {
        for scope in entries.keys {
            for resource in QuotaResource.allCases { entries[scope]?[resource]?.heard(serial, by: node) }
        }
    }

    mutating func reconnected(_ node: Int) {
        for scope in entries.keys {
            for resource in QuotaResource.allCases { entries[scope]?[resource]?.reconnected(node) }
        }
    }

    mutating func remove(_ node: Int) {
        for scope in entries.keys {
            for resource in QuotaResource.allCases { entries[scope]?[resource]?.remove(node) }
        }
    }
}
