import Events
import Media
import Testing

@testable import Calls

@Suite struct SupervisedTalkTests {
    private static let customer = MediaID(rawValue: 1)
    private static let agent = MediaID(rawValue: 2)
    private static let vera = MediaID(rawValue: 3)
    private static let gleb = MediaID(rawValue: 4)

    private static func hears(_ listeners: [(MediaID, SupervisionMode)], held: Bool = false) -> [MediaID: Set<MediaID>]
    {
        let talk = SupervisedTalk(
            parties: held ? [agent] : [customer, agent],
            listeners: listeners.map { SupervisedTalk.Listener(port: $0.0, mode: $0.1, operatorsPort: agent) }
        )
        return Dictionary(uniqueKeysWithValues: talk.members.map { ($0.port, Set($0.hears)) })
    }

    @Test(arguments: [
        (SupervisionMode.listen, [agent], [customer]), (.whisper, [agent], [customer, vera]),
        (.barge, [agent, vera], [customer, vera]),
    ])
    func `each mode lets the supervisor hear both, and be heard by whom it says`(
        _ mode: SupervisionMode,
        _ customer: [MediaID],
        _ agent: [MediaID]
    ) {
        let hears = Self.hears([(Self.vera, mode)])
        #expect(hears[Self.vera] == [Self.customer, Self.agent])
        #expect(hears[Self.customer] == Set(customer))
        #expect(hears[Self.agent] == Set(agent))
    }

    @Test func `nobody hears himself, and a customer never hears a whisper`() {
        let hears = Self.hears([(Self.vera, .whisper), (Self.gleb, .barge)])
        for (port, heard) in hears { #expect(!heard.contains(port)) }
        #expect(hears[Self.customer] == [Self.agent, Self.gleb])
        #expect(hears[Self.gleb] == [Self.customer, Self.agent, Self.vera])
    }

    @Test func `a whisper reaches the one whom the supervisor came to hear, whichever of the two he is`() {
        let talk = SupervisedTalk(
            parties: [Self.customer, Self.agent],
            listeners: [SupervisedTalk.Listener(port: Self.vera, mode: .whisper, operatorsPort: Self.customer)]
        )
        let hears = Dictionary(uniqueKeysWithValues: talk.members.map { ($0.port, Set($0.hears)) })
        #expect(hears[Self.customer] == [Self.agent, Self.vera] && hears[Self.agent] == [Self.customer])
    }

    @Test func `whoever only listens leaves the two as they are; a word of anybody, or a hold, makes it a mix`() {
        func command(_ modes: [SupervisionMode], parties: [MediaID] = [Self.customer, Self.agent]) -> MediaCommand {
            let listeners = modes.map { SupervisedTalk.Listener(port: Self.vera, mode: $0, operatorsPort: Self.agent) }
            return SupervisedTalk(parties: parties, listeners: listeners).command
        }
        let listening = MixMember(port: Self.vera, hears: [Self.customer, Self.agent])
        #expect(command([]) == .bridge(Self.customer, Self.agent))
        #expect(command([.listen]) == .tap(Self.customer, Self.agent, by: [listening]))
        for modes in [[.whisper], [.barge], [.listen, .whisper]] as [[SupervisionMode]] {
            guard case .mix = command(modes) else {
                Issue.record("\(modes)")
                continue
            }
        }
        #expect(
            command([.listen], parties: [Self.agent])
                == .mix([
                    MixMember(port: Self.agent, hears: []), MixMember(port: Self.vera, hears: [Self.agent]),
                ])
        )
    }

    @Test func `one who is on hold is not in the mix`() {
        let hears = Self.hears([(Self.vera, .barge)], held: true)
        #expect(hears[Self.customer] == nil)
        #expect(hears[Self.agent] == [Self.vera] && hears[Self.vera] == [Self.agent])
    }
}
