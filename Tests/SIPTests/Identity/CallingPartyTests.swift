import SIPMessage
import Testing

@testable import SIP

/// Whom an INVITE names as its caller, and who may know.
@Suite("RFC 3323, RFC 3325: the calling party") struct CallingPartyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var from: String
        var more: [String]
        /// Number, name, whether it is private and asserted: of a trusted peer, and of any other.
        var trusted: (String?, String?, Bool, Bool)
        var other: (String?, String?, Bool, Bool)
        var testDescription: String { ([from] + more).joined(separator: " ") }

        func party(isTrusted: Bool) -> CallingParty {
            var request = SIPRequest(method: .invite, uri: SIPURI(user: "700", host: "demo.test"))
            request.headers.append(.from, "\(from);tag=a")
            for line in more {
                let colon = line.firstIndex(of: ":") ?? line.endIndex
                request.headers.append(HeaderName(String(line[..<colon])), String(line[colon...].dropFirst(2)))
            }
            return CallingParty(of: request, isTrusted: isTrusted)
        }
    }

    private static let asserted = "P-Asserted-Identity: \"Ivan\" <sip:+74951112233@carrier.test>"
    private static let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>"

    @Test(arguments: [
        Case(
            from: "Ivan <sip:100@c>",
            more: [],
            trusted: ("100", "Ivan", false, false),
            other: ("100", "Ivan", false, false)
        ),
        Case(
            from: "Ivan <sip:100@c>",
            more: ["Remote-Party-ID: <sip:100@c>;party=calling;screen=yes;privacy=full"],
            trusted: ("100", "Ivan", true, true),
            other: ("100", "Ivan", true, false)
        ),
        Case(
            from: "Ivan <sip:100@c>",
            more: [
                "Remote-Party-ID: <sip:100@c>;party=calling;privacy=off",
                "Remote-Party-ID: <sip:9@c>;party=called;privacy=full",
            ],
            trusted: ("100", "Ivan", false, false),
            other: ("100", "Ivan", false, false)
        ),
        // Where nobody asserts anything the older header counts alike, unless its sender does not know either.
        Case(
            from: anonymous,
            more: [
                "Remote-Party-ID: <sip:9@c>;party=called",
                "Remote-Party-ID: \"Ivan\" <sip:+74951112233@c>;party=calling;privacy=full;screen=yes",
            ],
            trusted: ("+74951112233", "Ivan", true, true),
            other: (nil, nil, true, false)
        ),
        Case(
            from: anonymous,
            more: ["Remote-Party-ID: <sip:+74951112233@c>;screen=no;privacy=off"],
            trusted: (nil, nil, true, false),
            other: (nil, nil, true, false)
        ),
        Case(
            from: anonymous,
            more: [asserted, "Remote-Party-ID: <sip:+7499@c>;privacy=full"],
            trusted: ("+74951112233", "Ivan", true, true),
            other: (nil, nil, true, false)
        ),
        // What a From tells is what the caller wants to be known by.
        Case(
            from: "<sip:88001@c>",
            more: [asserted],
            trusted: ("88001", nil, false, false),
            other: ("88001", nil, false, false)
        ),
        Case(
            from: "<sip:+74951112233@c>",
            more: [asserted],
            trusted: ("+74951112233", nil, false, true),
            other: ("+74951112233", nil, false, false)
        ),
        Case(
            from: anonymous,
            more: [asserted, "Privacy: id"],
            trusted: ("+74951112233", "Ivan", true, true),
            other: (nil, nil, true, false)
        ),
        Case(
            from: anonymous,
            more: [asserted],
            trusted: ("+74951112233", "Ivan", true, true),
            other: (nil, nil, true, false)
        ),
        Case(
            from: "<sip:88001@c>",
            more: [asserted, "Privacy: user;id;critical"],
            trusted: ("+74951112233", "Ivan", true, true),
            other: ("88001", nil, true, false)
        ),
        Case(
            from: anonymous,
            more: ["P-Asserted-Identity: <sip:anonymous@c>, <tel:+7-495-111-22-33>"],
            trusted: ("+74951112233", nil, true, true),
            other: (nil, nil, true, false)
        ),
        Case(
            from: anonymous,
            more: ["P-Asserted-Identity: <<"],
            trusted: (nil, nil, true, false),
            other: (nil, nil, true, false)
        ),
        Case(
            from: "<sip:100@c>",
            more: ["Privacy: none", asserted],
            trusted: ("100", nil, false, false),
            other: ("100", nil, false, false)
        ),
        Case(
            from: "<sip:100@c>",
            more: ["Privacy: session"],
            trusted: ("100", nil, false, false),
            other: ("100", nil, false, false)
        ),
        Case(
            from: "<sip:100@c>",
            more: ["Privacy: header"],
            trusted: ("100", nil, true, false),
            other: ("100", nil, true, false)
        ),
    ])
    func `who calls, and who may know`(example: Case) {
        for (isTrusted, expected) in [(true, example.trusted), (false, example.other)] {
            let party = example.party(isTrusted: isTrusted)
            #expect(
                (party.number, party.name) == (expected.0, expected.1)
                    && (party.isPrivate, party.isAsserted) == (expected.2, expected.3),
                "\(isTrusted): \(party)"
            )
        }
    }
}
