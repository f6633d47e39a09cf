import Events
import Foundation
import SIP
import Testing
import Timebase

@testable import Records

/// The text of an event, as followers of the stream read it.
@Suite struct JournalTests {
    private func written(_ event: Event) throws -> [String: Any] {
        let wall = WallTime(milliseconds: 1_700_000_000_000)
        let draft = JournalDraft(id: 7, event: event, tenant: "demo", call: "c1", at: wall)
        let (type, json) = try #require(draft.written())
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
        #expect(object["type"] as? String == type && object["id"] as? String == "7")
        #expect(object["at"] as? String == "2023-11-14T22:13:20.000Z")
        #expect(object["tenant"] as? String == "demo" && object["call_id"] as? String == "c1")
        return object
    }

    @Test func `an event that holds one thing is that thing, whatever its texts hold`() throws {
        let text = "a \"quoted, {odd]\" \\ text\n/"
        let object = try written(.audited(AuditedAct(by: .init(.signal, text), "apply", text)))
        let data = try #require(object["data"] as? [String: Any])
        #expect(data["object"] as? String == text && data["_0"] == nil)
    }

    @Test func `an event of several things names them, one of none is empty`() throws {
        let held = try written(.callHeld(leg: 2))
        #expect((held["data"] as? [String: Any])?["leg"] as? Int == 2)
        let answered = try written(.callAnswered)
        #expect((answered["data"] as? [String: Any])?.isEmpty == true)
        let digit = try written(.digit(leg: 1, "5", source: "info"))
        #expect((digit["data"] as? [String: Any])?["source"] as? String == "info")
    }

    @Test func `a thing without a name beside others stays among them`() {
        let object = Array(#"{"_0":"x","leg":1}"#.utf8)[...]
        #expect(JournalDraft.unwrapped(object) == object)
        #expect(JournalDraft.unwrapped(Array(#"{"_0":[1,{"a":","}]}"#.utf8)[...]) == Array(#"[1,{"a":","}]"#.utf8)[...])
    }
}
