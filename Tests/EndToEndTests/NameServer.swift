import Foundation
import Synchronization

/// A name server on loopback for one test: A, SRV and NAPTR over UDP.
final class NameServer: Sendable {
    enum Record {
        case a(UInt32)
        /// ::1.
        case aaaa
        case srv(priority: UInt16, weight: UInt16, port: UInt16, target: String)
        case naptr(order: UInt16, service: String, replacement: String)

        var type: UInt16 {
            switch self {
            case .a: 1
            case .aaaa: 28
            case .srv: 33
            case .naptr: 35
            }
        }

        var data: [UInt8] {
            switch self {
            case .a(let address): octets(UInt16(address >> 16)) + octets(UInt16(truncatingIfNeeded: address))
            case .aaaa: [UInt8](repeating: 0, count: 15) + [1]
            case .srv(let priority, let weight, let port, let target):
                octets(priority) + octets(weight) + octets(port) + labels(target)
            case .naptr(let order, let service, let replacement):
                octets(order) + octets(0) + text("s") + text(service) + text("") + labels(replacement)
            }
        }
    }

    static let loopback = Record.a(0x7F00_0001)

    let port: UInt16
    private let zone: [String: [Record]]
    private let isOver = Atomic(false)

    /// `zone`: by name without its last dot.
    init(_ zone: [String: [Record]]) throws {
        self.zone = zone
        nonisolated(unsafe) let peer = try WirePeer()
        port = peer.port
        let thread = Thread { [weak self] in
            while self?.isOver.load(ordering: .relaxed) == false {
                guard let (question, from) = peer.receive(within: 0.1), let answer = self?.answer(question) else {
                    continue
                }
                peer.send(answer, to: from)
            }
        }
        thread.start()
    }

    deinit { isOver.store(true, ordering: .relaxed) }

    /// RFC 1035 §4.1: the question, and what the zone has for it.
    private func answer(_ question: [UInt8]) -> [UInt8]? {
        guard question.count > 16 else { return nil }
        var place = 12
        var labels: [String] = []
        while place < question.count, question[place] != 0 {
            let end = place + 1 + Int(question[place])
            guard end < question.count else { return nil }
            labels.append(String(decoding: question[(place + 1)..<end], as: UTF8.self))
            place = end
        }
        guard place + 5 <= question.count else { return nil }
        let type = UInt16(question[place + 1]) << 8 | UInt16(question[place + 2])
        let known = zone[labels.joined(separator: ".").lowercased()]
        let records = (known ?? []).filter { $0.type == type }
        let status: UInt8 = known == nil ? 3 : 0
        var answer = Array(question[..<2]) + [0x85, 0x80 | status] + octets(1) + octets(UInt16(records.count))
        answer += [0, 0, 0, 0] + question[12..<(place + 5)]
        for record in records {
            let data = record.data
            answer += [0xC0, 12] + octets(record.type) + octets(1) + octets(0) + octets(300)
            answer += octets(UInt16(data.count)) + data
        }
        return answer
    }
}

private func octets(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] }
private func text(_ string: String) -> [UInt8] { [UInt8(string.utf8.count)] + Array(string.utf8) }
private func labels(_ name: String) -> [UInt8] { name.split(separator: ".").flatMap { text(String($0)) } + [0] }
