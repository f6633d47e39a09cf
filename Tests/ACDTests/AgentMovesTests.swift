import ACD
import Config
import Events
import Testing
import Timebase

/// The table of docs/agents.md.
@Suite struct AgentMovesTests {
    private func floor(_ change: (inout Queue) -> Void = { _ in }) -> Floor {
        Floor(agents: [agent("1")]) {
            $0.wrapUp = .seconds(30)
            change(&$0)
        }
    }

    static var doings: [(String, (Floor) -> Void)] {
        [
            ("logOut", { $0.perform(.logOut, "1") }), ("pause", { $0.perform(.pause(reason: "tea"), "1") }),
            ("unpause", { $0.perform(.unpause, "1") }), ("block", { $0.perform(.block, "1") }),
            ("lost", { $0.reachable(false, "1") }), ("own call", { $0.engage("1", "own") }),
            ("caller", { $0.enter() }), ("endWrapUp", { $0.perform(.endWrapUp, "1") }),
            ("logIn", { $0.perform(.logIn(device: nil), "1") }),
        ]
    }

    /// What each doing makes of each state; what is not named leaves it.
    static let moves: [AgentState: [String: AgentState]] = [
        .loggedOut: ["block": .blocked, "logIn": .available],
        .available: [
            "logOut": .loggedOut, "pause": .paused, "block": .blocked, "lost": .unreachable, "own call": .onCall,
            "caller": .ringing,
        ],
        .ringing: [
            "logOut": .loggedOut, "pause": .paused, "block": .blocked, "lost": .unreachable, "own call": .onCall,
        ],
        .onCall: [:],
        .wrapUp: ["block": .blocked, "own call": .onCall, "endWrapUp": .available],
        .paused: ["logOut": .loggedOut, "unpause": .available, "block": .blocked, "own call": .onCall],
        .unreachable: ["logOut": .loggedOut, "pause": .paused, "block": .blocked, "own call": .onCall],
        .blocked: [:],
    ]

    @Test(arguments: AgentState.allCases) func `each doing moves each state as the table says`(_ state: AgentState) {
        for (name, doing) in Self.doings {
            let floor = floor()
            switch state {
            case .loggedOut: floor.perform(.logOut, "1")
            case .available: break
            case .ringing: floor.enter()
            case .onCall: floor.answer(floor.enter(), "1")
            case .wrapUp: floor.serve()
            case .paused: floor.perform(.pause(reason: "lunch"), "1")
            case .unreachable: floor.reachable(false, "1")
            case .blocked: floor.perform(.block, "1")
            }
            #expect(floor.state("1") == state)
            doing(floor)
            #expect(floor.state("1") == Self.moves[state]?[name] ?? state, "\(state) after \(name)")
        }
    }
}
