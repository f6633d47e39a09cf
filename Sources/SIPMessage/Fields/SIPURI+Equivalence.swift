extension SIPURI {
    /// Whether both name the same resource (RFC 3261 §19.1.4; tel: RFC 3966 §5).
    public func isEquivalent(to other: SIPURI) -> Bool {
        guard scheme == other.scheme else { return false }
        switch scheme {
        case .other: return opaque == other.opaque
        case .tel:
            return Self.digits(user) == Self.digits(other.user) && hasSameParameters(as: other, all: true)
        case .sip, .sips: break
        }
        guard user == other.user, password == other.password, isSameName(host, other.host), port == other.port else {
            return false
        }
        return hasSameParameters(as: other, all: false) && hasSameHeaders(as: other)
    }

    /// A parameter in both must match; `user`, `ttl`, `method`, `maddr` and `transport` may not stand in one only.
    private func hasSameParameters(as other: SIPURI, all: Bool) -> Bool {
        func agrees(_ a: Parameters, _ b: Parameters) -> Bool {
            a.entries.allSatisfy { entry in
                guard let twin = b[entry.name] else {
                    return !all && !Self.decisive.contains { isSameName($0, entry.name) }
                }
                return isSameName(twin, entry.value ?? "")
            }
        }
        return agrees(parameters, other.parameters) && agrees(other.parameters, parameters)
    }

    private static let decisive = ["user", "ttl", "method", "maddr", "transport"]

    private func hasSameHeaders(as other: SIPURI) -> Bool {
        guard headers.count == other.headers.count else { return false }
        return headers.allSatisfy { header in
            other.headers.contains { isSameName($0.0, header.0) && $0.1 == header.1 }
        }
    }

    /// A telephone number without its visual separators.
    private static func digits(_ number: String?) -> [UInt8] {
        (number ?? "").utf8.filter { !"-.()".utf8.contains($0) }.map(\.lowercased)
    }
}

extension SIPURI {
    /// As a Request-URI has it: what a Contact says of headers and of the method is not for there (RFC 3261 §19.1.1).
    public var asRequestURI: SIPURI {
        var uri = self
        uri.headers = []
        uri.parameters.remove("method")
        return uri
    }
}
