import Foundation
import Testing

/// Places in a queue, and keys, as callers have them over the wire.
@Suite("Places in a queue over the wire")
struct QueuePlaceTests {
    /// Calls the centre anew and asks for the queue.
    private func enter(_ caller: Phone, _ media: WirePeer, key: (UInt16) -> Void) throws -> String {
        (caller.callID, caller.tag, caller.sequence) = (UUID().uuidString, UUID().uuidString, 0)
        let (tag, port) = try caller.arrive(media: media)
        key(port)
        return tag
    }

    private func waiting(_ running: RunningSwitch, _ count: Int) throws -> Bool {
        try eventually { try running.rows("queues").first?["waiting"] as? Int == count }
    }

    @Test func `a caller who is cut off and calls again has his place back`() throws {
        let running = try ContactCentreTests.centre("resume: 1m")
        let first = try Phone("+74951112233", server: running.sipPort, peer: running.carrier)
        let second = try Phone("+74951112244", server: running.sipPort, peer: running.carrier)
        let anna = try Phone("1001", password: "anna-demo-1", server: running.sipPort)
        _ = try anna.register()
        _ = try running.gudok("agent", "login", "1001")
        _ = try running.gudok("agent", "pause", "1001", "--reason", "break")
        let (firstMedia, secondMedia) = (try WirePeer(), try WirePeer())

        let tag = try enter(first, firstMedia) { firstMedia.press(1, to: $0, at: 1) }
        #expect(try waiting(running, 1))
        first.send(first.request("BYE", to: "+74950000700", toTag: tag))
        #expect(try waiting(running, 0))
        _ = try enter(second, secondMedia) { secondMedia.press(1, to: $0, at: 1) }
        #expect(try waiting(running, 1))
        _ = try enter(first, firstMedia) { firstMedia.press(1, to: $0, at: 2) }
        #expect(try waiting(running, 2))

        _ = try running.gudok("agent", "unpause", "1001")
        let invite = try #require(anna.expect("INVITE"))
        #expect(invite.header("From")?.contains("+74951112233") == true)
    }
}
