import ACD
import Events
import Testing

/// A switch that is short of ports asks nobody in vain.
@Suite struct RoomTests {
    private func ended(_ floor: Floor) -> [OfferResult] {
        floor.events.compactMap { if case .queueOfferEnded(let end) = $0 { end.result } else { nil } }
    }

    @Test func `an offer that could not be made is nobody's miss, and he is asked again when there is room`() {
        let floor = Floor(agents: [agent("1")]) { ($0.pauseAfterMisses, $0.busyDelay) = (1, .seconds(10)) }
        let call = floor.enter()
        floor.turn { $0.offerNotMade(call, agent: Floor.id("1"), at: floor.now) }
        #expect(ended(floor) == [.withdrawn] && floor.state("1") == .available && floor.dispatcher.lacksRoom)
        // Nobody is asked before there is.
        floor.pass(.seconds(30))
        let second = floor.enter()
        floor.perform(.pause(reason: "break"), "1")
        floor.perform(.unpause, "1")
        #expect(floor.offered == [] && ended(floor) == [.withdrawn])
        floor.turn { $0.makeRoom(1, at: floor.now) }
        #expect(floor.offeredCalls == [call] && floor.dispatcher.lacksRoom)
        floor.answer(call, "1")
        floor.end(call)
        floor.turn { $0.makeRoom(nil, at: floor.now) }
        #expect(floor.offeredCalls == [second] && !floor.dispatcher.lacksRoom)
    }

    @Test(arguments: [1, 2, 3])
    func `as many phones ring as there is room for, and the others join in`(room: Int) {
        let floor = Floor(agents: three) { $0.strategy = .ringAll }
        let call = floor.enter()
        #expect(floor.offered == ["1", "2", "3"])
        for number in ["2", "3"] { floor.turn { $0.offerNotMade(call, agent: Floor.id(number), at: floor.now) } }
        #expect(floor.dispatcher.caller(call, at: floor.now)?.ringing == [Floor.id("1")])
        floor.turn { $0.makeRoom(room, at: floor.now) }
        #expect(floor.offered.count == min(room, 2) && floor.dispatcher.lacksRoom == (room < 3))
        floor.turn { $0.makeRoom(nil, at: floor.now) }
        #expect(floor.dispatcher.caller(call, at: floor.now)?.ringing == three.map { Floor.id($0.user) })
    }
}
