/// What a session's bytes travel on, as far as every protocol needs to know it.
import EventLoop

protocol Carrier: AnyObject {
    var peer: Address { get }
    var bytesIn: UInt64 { get }
    /// Those of the fan-out not included.
    var bytesOut: UInt64 { get }
    /// Sends what still waits, and closes.
    func finish()
}

extension Connection: Carrier {}
