extension SIPMessageContent {
    /// The session description: the body, or the `application/sdp` part of a multipart body (RFC 3261 §7.4, RFC 5621); nil when
    /// there is none, or nothing in it.
    public func sdpBody() -> [UInt8]? {
        guard !body.isEmpty, let entry = headers.first(.contentType),
            let type = MediaType(headers.bytes, entry.value)
        else { return nil }
        if type.name == "application/sdp" { return body }
        let part = parts()?.first { $0.type == "application/sdp" && !$0.body.isEmpty }
        return part.map { Array(body[$0.body]) }
    }
}

extension SIPMessageContent {
    /// Whether a part of a multipart body insists on being understood, and is no session description (RFC 5621 §4). Only one that
    /// says so counts: gateways leave the disposition of ISUP out, and mean it to be ignored.
    public func requiresUnknownPart() -> Bool {
        parts()?.contains { $0.isRequired && $0.type != "application/sdp" } ?? false
    }

    private func parts() -> [MultipartReader.Part]? {
        guard !body.isEmpty, let entry = headers.first(.contentType), let type = MediaType(headers.bytes, entry.value),
            let boundary = type.boundary
        else { return nil }
        return MultipartReader.leaves(of: body, 0..<body.count, boundary: boundary)
    }
}

/// Steps over the parts of a multipart body (RFC 2046 §5.1), at most `MessageLimits.bodyParts` of them; an empty part or a
/// missing end is no trap (AST-2017-003).
struct MultipartReader {
    struct Part: Equatable {
        /// In lower case; "text/plain" when the part does not say (RFC 2046 §5.2).
        var type: String
        /// Of a part that has parts itself.
        var boundary: String?
        /// `Content-Disposition: …;handling=required`.
        var isRequired = false
        var body: Range<Int>
    }

    private let bytes: [UInt8]
    private let range: Range<Int>
    private let boundary: [UInt8]
    private var at: Int
    private var parts = 0
    private var isStarted = false

    private init(bytes: [UInt8], range: Range<Int>, boundary: String) {
        (self.bytes, self.range, self.boundary, at) = (bytes, range, Array(boundary.utf8), range.lowerBound)
    }

    /// The parts that have no parts themselves, in the order in which they stand; parts within parts are looked through as far down as
    /// `MessageLimits.bodyNesting`.
    static func leaves(of bytes: [UInt8], _ range: Range<Int>, boundary: String, depth: Int = 1) -> [Part] {
        var reader = MultipartReader(bytes: bytes, range: range, boundary: boundary)
        var leaves: [Part] = []
        while leaves.count < MessageLimits.bodyParts, let part = reader.next() {
            if let inner = part.boundary, depth < MessageLimits.bodyNesting {
                leaves += Self.leaves(of: bytes, part.body, boundary: inner, depth: depth &+ 1)
            } else {
                leaves.append(part)
            }
        }
        return leaves
    }

    private mutating func next() -> Part? {
        if !isStarted {
            isStarted = true
            guard let (_, after, isLast) = delimiter(from: at), !isLast else { return nil }
            at = after
        }
        guard parts < MessageLimits.bodyParts, at <= range.upperBound else { return nil }
        parts &+= 1
        let start = at
        // A peer that forgot the closing delimiter still meant its last part.
        let (end, after, isLast) = delimiter(from: start) ?? (range.upperBound, range.upperBound &+ 1, true)
        at = isLast ? range.upperBound &+ 1 : after
        return part(start..<max(start, end))
    }

    /// The next line that begins with the boundary: where the part before it ends, where its own line ends, whether it closes.
    private func delimiter(from start: Int) -> (end: Int, after: Int, isLast: Bool)? {
        var line = start
        while line < range.upperBound {
            var stop = line
            while stop < range.upperBound, bytes[stop] != .lf { stop &+= 1 }
            if let isLast = isDelimiter(line..<stop) {
                // The line end before the delimiter belongs to it.
                var end = line
                if end > start, bytes[end &- 1] == .lf { end &-= 1 }
                if end > start, bytes[end &- 1] == .cr { end &-= 1 }
                return (end, min(stop &+ 1, range.upperBound), isLast)
            }
            line = stop &+ 1
        }
        return nil
    }

    /// nil for an ordinary line; else whether it is the closing one.
    private func isDelimiter(_ line: Range<Int>) -> Bool? {
        let dash = UInt8(ascii: "-")
        let text = bytes[line]
        guard text.count >= boundary.count &+ 2, text.starts(with: [dash, dash]),
            text.dropFirst(2).starts(with: boundary)
        else { return nil }
        var rest = text.dropFirst(2 &+ boundary.count)
        let isLast = rest.starts(with: [dash, dash])
        if isLast { rest = rest.dropFirst(2) }
        return rest.allSatisfy(\.isLWS) ? isLast : nil
    }

    /// A part's own headers end at its first empty line; without one it is all headers, and empty.
    private func part(_ range: Range<Int>) -> Part {
        var found = Part(type: "text/plain", body: range.upperBound..<range.upperBound)
        var line = range.lowerBound
        while line < range.upperBound {
            var stop = line
            while stop < range.upperBound, bytes[stop] != .lf { stop &+= 1 }
            let next = min(stop &+ 1, range.upperBound)
            if bytes[line..<stop].allSatisfy(\.isLWS) {
                found.body = next..<range.upperBound
                return found
            }
            if let type = contentType(line..<stop) { (found.type, found.boundary) = (type.name, type.boundary) }
            if insists(line..<stop) { found.isRequired = true }
            line = next
        }
        return found
    }

    private func insists(_ line: Range<Int>) -> Bool {
        let text = String(decoding: bytes[line], as: UTF8.self).lowercased().filter { $0 != " " }
        return text.hasPrefix("content-disposition:") && text.contains(";handling=required")
    }

    private func contentType(_ line: Range<Int>) -> MediaType? {
        var scanner = Scanner(bytes, line)
        let name = scanner.run(of: .token)
        guard bytes.equals(name, lowercase: "content-type") || bytes.equals(name, lowercase: "c"),
            scanner.takeSeparator(UInt8(ascii: ":"))
        else { return nil }
        return MediaType(bytes, scanner.at..<line.upperBound)
    }
}

extension MediaType {
    /// What parts its parts; nil where it has none, or names none of 1 to 70 octets (RFC 2046 §5.1.1).
    fileprivate var boundary: String? {
        guard name.hasPrefix("multipart/"), let boundary = parameters["boundary"] else { return nil }
        return (1...70).contains(boundary.utf8.count) ? boundary : nil
    }
}
