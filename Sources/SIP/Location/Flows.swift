public import NetAddress

/// The ways to the servers of one peer, in the order in which they are tried.
extension [Flow] {
    /// The same, the server of this one first where it is one of them.
    func led(by flow: Flow) -> [Flow] { filter { $0.remote == flow.remote } + filter { $0.remote != flow.remote } }

    /// To each server by a reliable transport first, where there is one.
    func streamsFirst() -> [Flow] {
        var ordered: [Flow] = []
        var rest = self[...]
        while let first = rest.first {
            let same = rest.prefix { $0.remote == first.remote }
            rest = rest.dropFirst(same.count)
            ordered += same.filter(\.transport.isReliable) + same.filter { !$0.transport.isReliable }
        }
        return ordered
    }
}

extension Flow {
    /// The same connection, or the same way to the same peer.
    public func isSameWay(as other: Flow) -> Bool {
        guard transport == other.transport, remote == other.remote else { return false }
        return connection == other.connection || connection == 0 || other.connection == 0
    }
}
