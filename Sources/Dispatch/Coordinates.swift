/// A place on the globe, and how far apart two places are.
///
/// The standard library has no trigonometry, and the module imports nothing: the three functions that a great circle
/// needs are here, exact to well under a metre, and the same on every machine.
public struct Coordinates: Hashable, Sendable {
    /// Degrees north, -90 to 90.
    public var latitude: Double
    /// Degrees east, -180 to 180.
    public var longitude: Double

    public init(latitude: Double, longitude: Double) {
        self.latitude = latitude
        self.longitude = longitude
    }

    /// The mean radius of the earth (IUGG).
    public static let earthKilometres = 6_371.0088

    /// Kilometres of round trip that light in fibre covers in a millisecond (204 km, there and back).
    public static let fibreKilometresPerMillisecond = 102.0

    /// The distance over the great circle.
    public func kilometres(to other: Coordinates) -> Double {
        let degree = Double.pi / 180
        let north = sine((other.latitude - latitude) * degree / 2)
        let east = sine((other.longitude - longitude) * degree / 2)
        let haversine = north * north + cosine(latitude * degree) * cosine(other.latitude * degree) * east * east
        return 2 * Coordinates.earthKilometres * arcsine(min(1, haversine.squareRoot()))
    }

    /// The round trip that fibre laid along the great circle would need, in milliseconds.
    public func fibreRTT(to other: Coordinates) -> Double {
        kilometres(to: other) / Coordinates.fibreKilometresPerMillisecond
    }

    var isOnTheGlobe: Bool { (-90...90).contains(latitude) && (-180...180).contains(longitude) }
}

/// Taylor's series after folding the angle into -π/2...π/2, where twelve terms reach the last bit of a Double.
private func sine(_ angle: Double) -> Double {
    var folded = angle.remainder(dividingBy: 2 * .pi)
    if folded > .pi / 2 { folded = .pi - folded }
    if folded < -.pi / 2 { folded = -.pi - folded }
    var term = folded
    var sum = folded
    for step in 1...11 {
        term *= -folded * folded / Double((2 * step) * (2 * step + 1))
        sum += term
    }
    return sum
}

private func cosine(_ angle: Double) -> Double { sine(angle + .pi / 2) }

/// For 0...1. The series is quick below one half; above it the half-angle identity leads back there.
private func arcsine(_ value: Double) -> Double {
    guard value <= 0.5 else { return .pi / 2 - 2 * arcsine(((1 - value) / 2).squareRoot()) }
    var power = value
    var sum = value
    for step in 1...24 {
        let odd = Double(2 * step - 1)
        power *= value * value * odd / (odd + 1)
        sum += power / (odd + 2)
    }
    return sum
}
