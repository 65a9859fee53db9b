/// The machine's own addresses: asked before this process calls somebody who may be itself.
import CSystem
import CUV

public enum Machine {
    /// Whether whoever calls the numeric address `host` on this machine reaches this machine.
    public static func has(_ host: String) -> Bool {
        // All of 127.0.0.0/8 is the machine's, and only one of it is an interface's.
        if host.hasPrefix("127.") { return true }
        var found: UnsafeMutablePointer<uv_interface_address_t>?
        var count: Int32 = 0
        guard uv_interface_addresses(&found, &count) == 0 else { return false }
        defer { uv_free_interface_addresses(found, count) }
        for index in 0..<Int(count) {
            var text = cs_address()
            // Safe: the union is made of addresses, each of which begins with its family.
            withUnsafeBytes(of: &found![index].address) {
                cs_describe($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &text)
            }
            if Address(text).host == host { return true }
        }
        return false
    }
}
