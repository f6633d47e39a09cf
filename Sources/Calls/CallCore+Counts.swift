public import Events

/// What others count, and list.
extension CallCore {
    public var liveCallCount: Int { everyCall.count { !$0.isEnding } }
    public var liveCalls: [LiveCall] {
        everyCall.filter { !$0.isEnding }.map(LiveCall.init).sorted { $0.id < $1.id }
    }
    public var callIDs: [CallID] { everyCall.map(\.id).sorted() }

    /// Places that legs take on a trunk, whatever has become of its configuration since.
    public func placesTaken(on trunk: TrunkID) -> Int {
        everyCall.reduce(0) { sum, call in sum + call.legs.count { $0.occupies == trunk } }
    }

    /// How many calls have a party that came, or was called, over this trunk.
    public func count(over trunk: TrunkID) -> Int {
        everyCall.count { $0.legs.contains { $0.trunk == trunk && !$0.isOver } }
    }

    /// How many calls have a phone of this user.
    public func count(with user: UserID) -> Int {
        (callsOfUsers[user] ?? []).count { id in
            call(id)?.legs.contains { $0.user == user.number && !$0.isOver } ?? false
        }
    }
}
