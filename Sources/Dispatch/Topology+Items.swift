/// What a topology is made of, as the operator writes it: names and plain numbers, checked by `Topology.init`.
extension Topology {
    /// An Internet data centre.
    public struct IDC: Hashable, Sendable {
        public var id: String
        public var region: String
        public var coordinates: Coordinates?
        /// A name of the time zone database (`Europe/Paris`), or empty.
        public var timeZone: String
        /// What its nodes talk over among themselves; nil is the best that both have.
        public var transport: Transport?

        public init(
            id: String, region: String = "", coordinates: Coordinates? = nil, timeZone: String = "",
            transport: Transport? = nil
        ) {
            self.id = id
            self.region = region
            self.coordinates = coordinates
            self.timeZone = timeZone
            self.transport = transport
        }
    }

    public struct Node: Hashable, Sendable {
        public var id: String
        /// The id of its IDC.
        public var idc: String
        public var roles: Roles
        /// How others reach it. Dispatch hands these on and never reads them.
        public var addresses: [String]
        public var capacity: NodeCapacity

        public init(id: String, idc: String, roles: Roles, addresses: [String] = [], capacity: NodeCapacity) {
            self.id = id
            self.idc = idc
            self.roles = roles
            self.addresses = addresses
            self.capacity = capacity
        }
    }

    /// What one direction between two IDCs is like.
    public struct LinkQuality: Hashable, Sendable {
        /// Mbit/s.
        public var capacity: Mark
        /// Round trip in milliseconds.
        public var rtt: Double
        /// The share of packets lost, 0 to 1.
        public var loss: Double
        public var price: Price
        /// What nodes talk over for streams in this direction; nil is the best that both have.
        public var transport: Transport?

        public init(
            capacity: Mark, rtt: Double, loss: Double = 0, price: Price = .free, transport: Transport? = nil
        ) {
            self.capacity = capacity
            self.rtt = rtt
            self.loss = loss
            self.price = price
            self.transport = transport
        }
    }

    /// One direction. The way back is a link of its own, which may differ in everything.
    public struct Link: Hashable, Sendable {
        public var from: String
        public var to: String
        public var quality: LinkQuality

        public init(from: String, to: String, quality: LinkQuality) {
            self.from = from
            self.to = to
            self.quality = quality
        }
    }

    /// What holds for pairs of IDCs without a link of their own. The first class that fits a pair counts.
    public struct LinkClass: Hashable, Sendable {
        public var name: String
        public var from: Scope
        public var to: Scope
        public var latency: Latency
        public var capacity: Mark
        public var loss: Double
        public var price: Price
        /// As that of a link's quality.
        public var transport: Transport?

        public init(
            name: String, from: Scope = .anywhere, to: Scope = .anywhere, latency: Latency, capacity: Mark,
            loss: Double = 0, price: Price = .free, transport: Transport? = nil
        ) {
            self.name = name
            self.from = from
            self.to = to
            self.latency = latency
            self.capacity = capacity
            self.loss = loss
            self.price = price
            self.transport = transport
        }

        public enum Scope: Hashable, Sendable {
            case anywhere
            case region(String)
            case idc(String)

            func covers(_ idc: IDC) -> Bool {
                switch self {
                case .anywhere: true
                case .region(let name): idc.region == name
                case .idc(let name): idc.id == name
                }
            }
        }

        public enum Latency: Hashable, Sendable {
            /// Milliseconds of round trip.
            case fixed(Double)
            /// From the coordinates: fibre along the great circle, times `factor` for the detours that real cables
            /// make, plus `base` milliseconds for the last miles and the routers.
            case greatCircle(factor: Double = Latency.usualFactor, base: Double = Latency.usualBase)

            /// The median of measured round trips between 213 cities over those of straight fibre.
            public static let usualFactor = 2.0
            public static let usualBase = 2.0
        }
    }
}
