import Media
import MediaIO
import NetAddress
import Testing

@testable import MediaIO

@Suite("Ports are taken, shared out and given back", .serialized)
struct PortTests {
    @Test func `1000 openings and closings give every port back, each with one report`() throws {
        let plane = try Plane(threads: 2, ports: FreePorts.range(200))
        let free = plane.threads.pairsFree
        #expect(free == 100)
        for _ in 0..<25 {
            var ports: [MediaPort] = []
            for place in 0..<40 {
                ports.append(try plane.threads.open(near: place % 2 == 1 ? ports[place - 1].id : nil, isV6: false))
            }
            #expect(Set(ports.map(\.rtpPort)).count == 40 && ports.allSatisfy { $0.rtpPort % 2 == 0 })
            for port in ports { plane.threads.perform(.close(port.id)) }
            for port in ports { _ = try plane.event { if case .closed(port.id, _) = $0 { true } else { nil } } }
            #expect(plane.threads.pairsFree == free)
        }
        #expect(plane.threads.counters.snapshot.portsInUse == 0)
        plane.threads.stop()
        #expect(plane.events.count == 1_000)
    }

    @Test func `the range is all there is, and a port that comes back is taken again`() throws {
        let plane = try Plane(ports: FreePorts.range(6))
        defer { plane.threads.stop() }
        let ports = try (0..<3).map { _ in try plane.threads.open(near: nil, isV6: false) }
        #expect(throws: MediaRefusal.noPorts) { try plane.threads.open(near: nil, isV6: false) }
        plane.threads.perform(.close(ports[1].id))
        plane.threads.perform(.close(ports[1].id))
        _ = try plane.event { if case .closed(ports[1].id, _) = $0 { true } else { nil } }
        let again = try plane.threads.open(near: nil, isV6: false)
        #expect(again.rtpPort == ports[1].rtpPort && again.id != ports[1].id)
        #expect(plane.events.count == 1, "closed once")
    }

    @Test func `a command for a port that is gone does nothing to the one in its place`() throws {
        let plane = try Plane(ports: FreePorts.range(2))
        defer { plane.threads.stop() }
        let old = try plane.threads.open(near: nil, isV6: false)
        plane.threads.perform(.close(old.id))
        _ = try plane.event { if case .closed(old.id, _) = $0 { true } else { nil } }
        let new = try plane.threads.open(near: nil, isV6: false)
        for command in [MediaCommand.echo(old.id), .play(old.id, .busy), .bridge(old.id, new.id), .close(old.id)] {
            plane.threads.perform(command)
        }
        plane.threads.perform(.echo(MediaID(rawValue: .max)))
        plane.threads.perform(.close(new.id))
        _ = try plane.event { if case .closed(new.id, _) = $0 { true } else { nil } }
        #expect(plane.events.count == 2)
    }

    @Test func `a port is at our address of the family that is asked for, else at the one that there is`() throws {
        let (v4, v6) = (IPAddress.v4(0x7F00_0001), IPAddress.v6(high: 0, low: 1))
        let both = try Plane(addresses: try #require(OwnAddresses(v4, v6)))
        defer { both.threads.stop() }
        #expect(try [true, false].map { try both.threads.open(near: nil, isV6: $0).address } == [v6, v4])
        #expect(both.threads.reaches(v6) && both.threads.reaches(v4))
        let one = try Plane()
        defer { one.threads.stop() }
        #expect(try one.threads.open(near: nil, isV6: true).address == v4)
        #expect(!one.threads.reaches(v6))
    }

    @Test func `a port that somebody else holds is passed over`() throws {
        let ports = FreePorts.range(4)
        let other = try Plane(ports: ports)
        defer { other.threads.stop() }
        let held = try other.threads.open(near: nil, isV6: false)
        let plane = try Plane(ports: ports)
        defer { plane.threads.stop() }
        #expect(try plane.threads.open(near: nil, isV6: false).rtpPort == held.rtpPort + 2)
        #expect { try plane.threads.open(near: nil, isV6: false) } throws: {
            if case .cannotBind = $0 as? MediaRefusal { true } else { false }
        }
        #expect(plane.threads.counters.snapshot.portsInUse == 1)
    }

    @Test func `a stop reports what is open and gives it back; then nothing opens`() throws {
        let plane = try Plane(threads: 3, ports: FreePorts.range(40))
        let ports = try (0..<20).map { _ in try plane.threads.open(near: nil, isV6: false) }
        plane.threads.stop()
        plane.threads.stop()
        #expect(plane.threads.pairsFree == 20 && plane.threads.counters.snapshot.portsInUse == 0)
        #expect(Set(plane.events.map(\.port)) == Set(ports.map(\.id)) && plane.events.count == 20)
        #expect(throws: MediaRefusal.self) { try plane.threads.open(near: nil, isV6: false) }
    }

    @Test(arguments: [
        (UInt16(10_000)...UInt16(10_009), [10_000, 10_002, 10_004, 10_006, 10_008]),
        (10_001...10_005, [10_002, 10_004]), (10_000...10_000, []), (65_534...65_535, [65_534]), (65_535...65_535, []),
    ])
    func `RFC 3550 §11: pairs of an even port and the odd one above it, wholly in the range`(
        range: ClosedRange<UInt16>,
        expected: [UInt16]
    ) {
        var pairs = PortPairs(range)
        #expect(pairs.capacity == expected.count)
        #expect((0..<expected.count).map { _ in pairs.take() } == expected.map { $0 })
        #expect(pairs.take() == nil)
    }

    @Test func `the port that was free for longest comes first, over any number of turns`() {
        var pairs = PortPairs(20_000...20_009)
        var order: [UInt16] = []
        for _ in 0..<20_000 {
            guard let port = pairs.take() else { continue }
            order.append(port)
            pairs.giveBack(port)
        }
        #expect(order.count == 20_000)
        #expect(order.enumerated().allSatisfy { $1 == 20_000 + UInt16($0 % 5) * 2 })
    }
}
