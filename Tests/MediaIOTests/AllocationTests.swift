import Media
import MediaIO
import RTP
import Testing

@Suite("A packet costs no allocation", .serialized)
struct AllocationTests {
    @Test func `10,000 packets over a bridge allocate no more than none do`() throws {
        let plane = try Plane()
        defer { plane.threads.stop() }
        let (alice, bob) = (try Phone(ssrc: 0xA), try Phone(ssrc: 0xB))
        let a = try plane.open(towards: alice)
        let b = try plane.open(towards: bob, near: a)
        plane.threads.perform(.bridge(a.id, b.id))
        try plane.settle(near: a)
        var packet = [UInt8](repeating: 0xD5, count: 172)
        var heard = 0
        func talk(_ count: Int) {
            packet.withUnsafeMutableBytes { packet in
                for turn in 0..<count {
                    writeRTPHeader(
                        into: packet,
                        marker: false,
                        payloadType: 8,
                        sequence: UInt16(truncatingIfNeeded: heard),
                        timestamp: UInt32(turn) * 160,
                        ssrc: 0xA
                    )
                    alice.send(UnsafeRawBufferPointer(packet), to: a.rtpPort)
                    if bob.hear(into: packet) == 172 { heard += 1 }
                }
            }
        }
        talk(10)
        // The first turns fill caches of the runtime; then two marks with nothing between them are the measure.
        let marks = try (0..<4).map { _ in try plane.settle(near: a) }
        let idle = marks[3] - marks[2]
        talk(10_000)
        let busy = try plane.settle(near: a) - marks[3]
        #expect(heard == 10_010)
        #expect(idle > 0, "the count counts")
        // The reports of the seconds that a slow machine takes for this are some; one in a hundred packets would be more.
        #expect(busy < idle + 100, "\(busy) allocations with 10,000 packets, \(idle) without")
    }

    /// A mix allocates for its tick at most, never for a packet: ten times the packets in the same ticks are the measure.
    @Test func `packets into a mix allocate nothing`() throws {
        let plane = try Plane()
        defer { plane.threads.stop() }
        let (alice, bob) = (try Phone(ssrc: 0xA), try Phone(ssrc: 0xB))
        let a = try plane.open(towards: alice)
        let b = try plane.open(towards: bob, near: a)
        plane.threads.perform(
            .mix([MixMember(port: a.id, hears: [b.id]), MixMember(port: b.id, hears: [a.id])])
        )
        try plane.settle(near: a)
        /// What the thread allocated while Bob heard so many packets of the mix, and Alice said `spoken` for each.
        func allocations(hearing count: Int, spoken: Int) throws -> UInt64 {
            let before = try plane.settle(near: a)
            for _ in 0..<count {
                for _ in 0..<spoken { alice.speak(to: a.rtpPort) }
                _ = try #require(bob.hear())
            }
            return try plane.settle(near: a) - before
        }
        _ = try allocations(hearing: 10, spoken: 1)
        let quiet = try allocations(hearing: 20, spoken: 0)
        let busy = try allocations(hearing: 20, spoken: 100)
        #expect(busy <= quiet + 100, "\(busy) allocations with 2,000 packets, \(quiet) without")
    }
}
