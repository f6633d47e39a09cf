extension CallTrace {
    /// What `gudok why` tells, with microseconds since the start: the events, and of the messages that a leg rang and that it answered, each
    /// once.
    public var decisions: [(offset: Int64, text: String)] {
        var (rung, answered): (Set<Int>, Set<Int>) = ([], [])
        return entries.compactMap { entry in
            switch entry.kind {
            case .event(let text): return (entry.offset, text)
            case .message(let message):
                guard let status = message.statusOfInvitation else { return nil }
                let isAnswer = (200..<300).contains(status)
                guard isAnswer ? answered.insert(message.leg).inserted : rung.insert(message.leg).inserted else {
                    return nil
                }
                return (entry.offset, "leg \(message.leg) \(isAnswer ? "answers" : "rings") (\(status))")
            }
        }
    }
}

extension TracedMessage {
    /// Of what whom we invited says, its ringing or its answer; nil: it is something else.
    fileprivate var statusOfInvitation: Int? {
        guard isIncoming, leg > 0, text.hasPrefix("SIP/2.0 "), let status = Int(text.dropFirst(8).prefix(3)),
            status == 180 || status == 183 || (200..<300).contains(status)
        else { return nil }
        let lines = text.split { $0.isNewline }.prefix { !$0.isEmpty }
        let sequence = lines.first { $0.lowercased().hasPrefix("cseq") }
        return sequence?.hasSuffix("INVITE") == true ? status : nil
    }
}
