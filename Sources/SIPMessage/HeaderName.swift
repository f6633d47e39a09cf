/// A header field's name (RFC 3261 §7.3.1): compared without case, compact forms the same as the long ones, unknown ones kept.
public struct HeaderName: Hashable, Sendable, CustomStringConvertible {
    /// The place in `table`, or 255 for a name that is not there.
    private let index: UInt8
    private let custom: String

    private init(known index: Int) { self.init(index: UInt8(truncatingIfNeeded: index), custom: "") }
    private init(index: UInt8, custom: String) { (self.index, self.custom) = (index, custom) }

    public init(_ name: String) { self.init(Array(name.utf8)[...]) }

    init(_ bytes: ArraySlice<UInt8>) {
        if let index = Self.find(bytes) {
            self.init(known: index)
        } else {
            self.init(index: 255, custom: String(bytes))
        }
    }

    /// As RFC 3261 and its successors write it; an unknown name as it was received.
    public var name: String { index == 255 ? custom : Self.table[Int(index)].name }
    public var description: String { name }

    public static func == (lhs: HeaderName, rhs: HeaderName) -> Bool {
        lhs.index == rhs.index && (lhs.index != 255 || lhs.custom.equalsIgnoringCase(rhs.custom))
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(index)
        if index == 255 { hasher.combine(custom.lowercased()) }
    }

    private struct Known: Sendable {
        let name: String
        let bytes: [UInt8]
        let compact: UInt8
    }

    private static func find(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = bytes.first else { return nil }
        if bytes.count == 1 {
            let letter = first.lowercased
            return compactForms[Int(letter & 0x7F)].flatMap { letter < 128 ? $0 : nil }
        }
        guard bytes.count < byLength.count else { return nil }
        for candidate in byLength[bytes.count] {
            let known = table[candidate].bytes
            var matches = true
            var offset = bytes.startIndex
            for byte in known {
                if bytes[offset].lowercased != byte {
                    matches = false
                    break
                }
                offset += 1
            }
            if matches { return candidate }
        }
        return nil
    }

    private static let table: [Known] = names.map { name, compact in
        Known(name: name, bytes: name.utf8.map(\.lowercased), compact: compact.utf8.first ?? 0)
    }

    private static let byLength: [[Int]] = {
        var lists = [[Int]](repeating: [], count: 40)
        for (index, known) in table.enumerated() { lists[known.bytes.count].append(index) }
        return lists
    }()

    private static let compactForms: [Int?] = {
        var forms = [Int?](repeating: nil, count: 128)
        for (index, known) in table.enumerated() where known.compact != 0 { forms[Int(known.compact)] = index }
        return forms
    }()

    private static let names: [(String, String)] = [
        ("Via", "v"), ("From", "f"), ("To", "t"), ("Call-ID", "i"), ("CSeq", ""), ("Contact", "m"),
        ("Max-Forwards", ""),
        ("Content-Length", "l"), ("Content-Type", "c"), ("Content-Encoding", "e"), ("Route", ""), ("Record-Route", ""),
        ("Require", ""), ("Proxy-Require", ""), ("Supported", "k"), ("Unsupported", ""), ("Allow", ""), ("Accept", ""),
        ("Expires", ""), ("Min-Expires", ""), ("Authorization", ""), ("Proxy-Authorization", ""),
        ("WWW-Authenticate", ""),
        ("Proxy-Authenticate", ""), ("Authentication-Info", ""), ("Reason", ""), ("Retry-After", ""),
        ("User-Agent", ""),
        ("Server", ""), ("Subject", "s"), ("RAck", ""), ("RSeq", ""), ("Session-Expires", "x"), ("Min-SE", ""),
        ("Refer-To", "r"), ("Referred-By", "b"), ("Replaces", ""), ("Event", "o"), ("Subscription-State", ""),
        ("Allow-Events", "u"), ("Diversion", ""), ("History-Info", ""), ("Privacy", ""), ("P-Asserted-Identity", ""),
        ("Date", ""), ("Timestamp", ""), ("Warning", ""), ("MIME-Version", ""), ("Path", ""), ("Service-Route", ""),
        ("Accept-Encoding", ""), ("Accept-Language", ""), ("Content-Disposition", ""), ("Refer-Sub", ""),
        ("Identity", "y"),
    ]

    public static let via = HeaderName(known: 0)
    public static let from = HeaderName(known: 1)
    public static let to = HeaderName(known: 2)
    public static let callID = HeaderName(known: 3)
    public static let cSeq = HeaderName(known: 4)
    public static let contact = HeaderName(known: 5)
    public static let maxForwards = HeaderName(known: 6)
    public static let contentLength = HeaderName(known: 7)
    public static let contentType = HeaderName(known: 8)
    public static let contentEncoding = HeaderName(known: 9)
    public static let route = HeaderName(known: 10)
    public static let recordRoute = HeaderName(known: 11)
    public static let require = HeaderName(known: 12)
    public static let proxyRequire = HeaderName(known: 13)
    public static let supported = HeaderName(known: 14)
    public static let unsupported = HeaderName(known: 15)
    public static let allow = HeaderName(known: 16)
    public static let accept = HeaderName(known: 17)
    public static let expires = HeaderName(known: 18)
    public static let minExpires = HeaderName(known: 19)
    public static let authorization = HeaderName(known: 20)
    public static let proxyAuthorization = HeaderName(known: 21)
    public static let wwwAuthenticate = HeaderName(known: 22)
    public static let proxyAuthenticate = HeaderName(known: 23)
    public static let authenticationInfo = HeaderName(known: 24)
    public static let reason = HeaderName(known: 25)
    public static let retryAfter = HeaderName(known: 26)
    public static let userAgent = HeaderName(known: 27)
    public static let server = HeaderName(known: 28)
    public static let subject = HeaderName(known: 29)
    public static let rack = HeaderName(known: 30)
    public static let rseq = HeaderName(known: 31)
    public static let sessionExpires = HeaderName(known: 32)
    public static let minSE = HeaderName(known: 33)
    public static let referTo = HeaderName(known: 34)
    public static let referredBy = HeaderName(known: 35)
    public static let replaces = HeaderName(known: 36)
    public static let event = HeaderName(known: 37)
    public static let subscriptionState = HeaderName(known: 38)
    public static let allowEvents = HeaderName(known: 39)
    public static let diversion = HeaderName(known: 40)
    public static let historyInfo = HeaderName(known: 41)
    public static let privacy = HeaderName(known: 42)
    public static let pAssertedIdentity = HeaderName(known: 43)
    public static let date = HeaderName(known: 44)
    public static let timestamp = HeaderName(known: 45)
    public static let warning = HeaderName(known: 46)
    public static let mimeVersion = HeaderName(known: 47)
    public static let path = HeaderName(known: 48)
    public static let serviceRoute = HeaderName(known: 49)
    public static let acceptEncoding = HeaderName(known: 50)
    public static let acceptLanguage = HeaderName(known: 51)
    public static let contentDisposition = HeaderName(known: 52)
    public static let referSub = HeaderName(known: 53)
    public static let identity = HeaderName(known: 54)
}
