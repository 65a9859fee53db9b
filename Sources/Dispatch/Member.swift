/// A node's place in one stream's tree.
///
/// `parent` is a position in the same tree, -1 for the source and for a member that hangs on nothing. `hops` counts
/// from the source; `adrift` for one that no path of parents joins to the source.
struct Member: Sendable {
    let node: Int32
    let idc: Int16
    var hops = Member.adrift
    var missed: UInt8 = 0
    var parent: Int32 = -1
    var children: Int32 = 0
    /// Viewers that the node serves, as far as the dispatcher was told.
    var viewers: Int32 = 0
    /// Where this tree stands in the node's list of trees.
    var slot: Int32 = -1
    /// The parent's node by the node's own report, until that parent is in the tree; -1 when there is none.
    var claimed: Int32 = -1
    /// The weighted delay from the source.
    var delay: Float = 0
    /// The node itself asked for the stream; otherwise it is here for its children only.
    var isWanted = false

    static let adrift = UInt8.max

    /// The node's role, kept here so that a look through the members need not fetch every node.
    let mayRelay: Bool

    var isConnected: Bool { hops != Member.adrift }

    init(node: Int, idc: Int, mayRelay: Bool) {
        self.node = Int32(node)
        self.idc = Int16(idc)
        self.mayRelay = mayRelay
    }
}
