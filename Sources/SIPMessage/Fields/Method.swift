/// A request's method: case counts, and any token is one (RFC 3261 §7.1).
public struct Method: Hashable, Sendable, CustomStringConvertible {
    public let name: String

    /// Any name; octets that no token may hold are left out, so that it is safe on a start line.
    public init(_ name: String) {
        if name.utf8.allSatisfy(OctetSet.token.contains) {
            self.name = name
        } else {
            self.name = String(decoding: name.utf8.filter(OctetSet.token.contains), as: UTF8.self)
        }
    }

    private init(known name: String) { self.name = name }

    /// The method that a token of the wire names.
    init(_ bytes: [UInt8], _ range: Range<Int>) { name = bytes.text(range) }

    public var description: String { name }
}

extension Method {
    public static var invite: Method { Method(known: "INVITE") }
    public static var ack: Method { Method(known: "ACK") }
    public static var bye: Method { Method(known: "BYE") }
    public static var cancel: Method { Method(known: "CANCEL") }
    public static var options: Method { Method(known: "OPTIONS") }
    public static var register: Method { Method(known: "REGISTER") }
    /// RFC 3262.
    public static var prack: Method { Method(known: "PRACK") }
    /// RFC 3311.
    public static var update: Method { Method(known: "UPDATE") }
    /// RFC 6086.
    public static var info: Method { Method(known: "INFO") }
    /// RFC 3515.
    public static var refer: Method { Method(known: "REFER") }
    /// RFC 6665.
    public static var notify: Method { Method(known: "NOTIFY") }
    /// RFC 6665.
    public static var subscribe: Method { Method(known: "SUBSCRIBE") }
    /// RFC 3428.
    public static var message: Method { Method(known: "MESSAGE") }
    /// RFC 3903.
    public static var publish: Method { Method(known: "PUBLISH") }
}
