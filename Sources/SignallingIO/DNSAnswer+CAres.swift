import CAres
import Glibc
import NetAddress
import SIP

/// Answers as c-ares has them.
extension DNSAnswer {
    /// nil: it is a success.
    init?(failure status: Int32) {
        switch status {
        case ARES_SUCCESS: return nil
        case ARES_ENODATA, ARES_ENOTFOUND, ARES_EBADNAME: self = .nothing
        default: self = .failed(String(cString: ares_strerror(status)))
        }
    }

    init(naptr bytes: UnsafePointer<UInt8>, _ length: Int32) {
        var list: UnsafeMutablePointer<ares_naptr_reply>?
        let status = ares_parse_naptr_reply(bytes, length, &list)
        defer { ares_free_data(list) }
        if let failure = DNSAnswer(failure: status) {
            self = failure
            return
        }
        let records = Self.list(list, \.next).map { record in
            NAPTRRecord(
                order: record.order,
                preference: record.preference,
                flags: Self.text(record.flags),
                service: Self.text(record.service),
                replacement: record.replacement.map { String(cString: $0) } ?? ""
            )
        }
        self = .naptr(records, lasting: Self.lasting(bytes, length))
    }

    init(srv bytes: UnsafePointer<UInt8>, _ length: Int32) {
        var list: UnsafeMutablePointer<ares_srv_reply>?
        let status = ares_parse_srv_reply(bytes, length, &list)
        defer { ares_free_data(list) }
        if let failure = DNSAnswer(failure: status) {
            self = failure
            return
        }
        let records = Self.list(list, \.next).map { record in
            SRVRecord(
                priority: record.priority,
                weight: record.weight,
                port: record.port,
                target: record.host.map { String(cString: $0) } ?? ""
            )
        }
        self = .srv(records, lasting: Self.lasting(bytes, length))
    }

    init(_ list: UnsafeMutablePointer<ares_addrinfo>?) {
        var found: [IPAddress] = []
        var seconds: Int32 = .max
        for node in Self.list(list?.pointee.nodes, \.ai_next) {
            seconds = min(seconds, node.ai_ttl)
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard
                getnameinfo(node.ai_addr, node.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            else { continue }
            let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if let ip = IPAddress(name), !found.contains(ip) { found.append(ip) }
        }
        self = found.isEmpty ? .nothing : .addresses(found, lasting: .seconds(Int64(max(0, seconds))))
    }

    private static func lasting(_ bytes: UnsafePointer<UInt8>, _ length: Int32) -> Duration {
        .seconds(Int64(max(0, cares_least_ttl(bytes, length))))
    }

    private static func text(_ octets: UnsafeMutablePointer<UInt8>?) -> String {
        octets.map { String(cString: $0) } ?? ""
    }

    /// The nodes of a linked list.
    private static func list<Node>(
        _ first: UnsafeMutablePointer<Node>?,
        _ next: KeyPath<Node, UnsafeMutablePointer<Node>?>
    ) -> [Node] {
        var nodes: [Node] = []
        var entry = first
        while let node = entry?.pointee {
            nodes.append(node)
            entry = node[keyPath: next]
        }
        return nodes
    }
}
