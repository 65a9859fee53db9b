/// A UDP socket that calls one other machine, and hears when nobody is at the port there.
///
/// Another, such as a library with threads of its own, sends and receives; nothing is read here, nor does it cost the
/// loop anything while nothing is refused.
import CSystem

public final class CallingSocket {
    /// To be closed by who takes it, after this has gone.
    public let descriptor: Int32

    /// A datagram came back: nobody is at the port that it went to.
    public var onRefused: (() -> Void)?

    private let ears: Ears

    /// Nil where there are no descriptors.
    public init?(ipv6: Bool, on loop: Loop) {
        descriptor = cs_calling_socket(ipv6 ? 1 : 0)
        guard descriptor >= 0 else { return nil }
        ears = Ears(EarSockets(of: descriptor), on: loop)
        ears.onRefused = { [unowned self] _ in onRefused?() }
    }
}
