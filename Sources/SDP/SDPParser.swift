import NetAddress

extension SessionDescription {
    /// Parses SDP; line ends may be CRLF or LF.
    public init(parsing bytes: [UInt8]) throws(SDPFault) {
        guard bytes.count <= SDPLimits.octets else { throw .tooLarge("more than \(SDPLimits.octets) octets") }
        var parser = SDPParser()
        var rest = bytes[...]
        var number = 0
        while !rest.isEmpty {
            number += 1
            guard number <= SDPLimits.lines else {
                throw .malformed("more than \(SDPLimits.lines) lines", line: number)
            }
            var line = rest.take(before: UInt8(ascii: "\n"))
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            // Some end it as a text of C.
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0 }) { continue }
            guard line.count <= SDPLimits.lineOctets else {
                throw .malformed("a line of \(line.count) octets", line: number)
            }
            let type = line[line.startIndex]
            line = line.dropFirst()
            guard line.first == UInt8(ascii: "="), type &- 97 < 26 else {
                throw .malformed("a line that does not begin with a letter and '='", line: number)
            }
            try parser.take(type, line.dropFirst(), line: number)
        }
        self = try parser.finish()
    }
}

/// Collects the lines of one description: session part, then one section for each `m=`.
private struct SDPParser {
    private var hasVersion = false
    private var origin: Origin?
    private var description = SessionDescription(
        origin: Origin(username: "", sessionID: "", version: "", address: ""),
        connection: nil,
        media: []
    )
    /// Of the section under way.
    private var meanings = FormatMeanings()

    init() { description.timing = [] }

    mutating func take(_ type: UInt8, _ value: ArraySlice<UInt8>, line: Int) throws(SDPFault) {
        if !hasVersion {
            var fields = value
            guard type == UInt8(ascii: "v"), fields.takeField()?.elementsEqual("0".utf8) == true,
                fields.takeField() == nil
            else { throw .malformed("does not begin with v=0", line: line) }
            hasVersion = true
            return
        }
        let isOfSession = description.media.isEmpty
        switch type {
        case UInt8(ascii: "v"): throw .malformed("a second v= line", line: line)
        case UInt8(ascii: "o"): try takeOrigin(value, line: line)
        case UInt8(ascii: "s") where isOfSession: description.sessionName = value.text
        case UInt8(ascii: "m"): try takeMedia(value, line: line)
        case UInt8(ascii: "c"): try takeConnection(value, line: line)
        case UInt8(ascii: "t") where isOfSession: description.timing.append(value.text)
        case UInt8(ascii: "a"): takeAttribute(value)
        default:
            let other = Line(Character(Unicode.Scalar(type)), value.text)
            if isOfSession { description.otherLines.append(other) } else { last.otherLines.append(other) }
        }
    }

    private mutating func takeOrigin(_ value: ArraySlice<UInt8>, line: Int) throws(SDPFault) {
        guard origin == nil, description.media.isEmpty else { throw .malformed("a second o= line", line: line) }
        let fields = value.fields
        // Phones with an empty or spaced user name are met in the wild: the last five fields are what counts.
        guard fields.count >= 5 else { throw .malformed("an o= line with \(fields.count) fields", line: line) }
        let tail = fields.suffix(5).map(\.text)
        origin = Origin(
            username: fields.count > 5 ? fields.dropLast(5).map(\.text).joined(separator: " ") : "-",
            sessionID: tail[0],
            version: tail[1],
            address: tail[2...].joined(separator: " ")
        )
    }

    private mutating func takeMedia(_ value: ArraySlice<UInt8>, line: Int) throws(SDPFault) {
        let fields = value.fields
        guard description.media.count < SDPLimits.media else {
            throw .malformed("more than \(SDPLimits.media) m= lines", line: line)
        }
        guard fields.count >= 4 else { throw .malformed("an m= line with \(fields.count) fields", line: line) }
        guard fields.count - 3 <= SDPLimits.formats else {
            throw .malformed("more than \(SDPLimits.formats) formats", line: line)
        }
        var ports = fields[1]
        guard let port = ports.take(before: UInt8(ascii: "/")).decimal.flatMap(UInt16.init(exactly:)) else {
            throw .malformed("no port in the m= line", line: line)
        }
        var media = MediaDescription(
            kind: fields[0].text,
            port: port,
            proto: fields[2].text,
            formats: fields[3...].map(\.text)
        )
        if !ports.isEmpty {
            guard let count = ports.decimal, (1...255).contains(count) else {
                throw .malformed("no count of ports", line: line)
            }
            media.portCount = count
        }
        closeSection()
        description.media.append(media)
    }

    /// The attributes of the last section are complete.
    private mutating func closeSection() {
        if !description.media.isEmpty { last.read(meanings) }
        meanings = FormatMeanings()
    }

    private mutating func takeConnection(_ value: ArraySlice<UInt8>, line: Int) throws(SDPFault) {
        var fields = value
        guard fields.takeField()?.elementsEqual("IN".utf8) == true, let family = fields.takeField(),
            family.elementsEqual("IP4".utf8) || family.elementsEqual("IP6".utf8), var place = fields.takeField()
        else {
            throw .malformed("no 'IN IP4 address' in the c= line", line: line)
        }
        let connection = ConnectionData(host: place.take(before: UInt8(ascii: "/")).text)
        if let address = connection.address, address.isV6 != (family.last == UInt8(ascii: "6")) {
            throw .malformed("the address is not of the named family", line: line)
        }
        if description.media.isEmpty { description.connection = connection } else { last.connection = connection }
    }

    /// Attributes that other stacks have crashed on are read when they come, so that nobody relies on them unread; one that says nothing is left
    /// out, as one that is not understood (RFC 8866 §5.13).
    private mutating func takeAttribute(_ line: ArraySlice<UInt8>) {
        var value = line
        let name = value.take(before: UInt8(ascii: ":"))
        let attribute = Attribute(name.text, name.endIndex == line.endIndex ? nil : value.text)
        guard !name.isEmpty, meanings.take(attribute.name, value) else { return }
        if description.media.isEmpty { description.attributes.append(attribute) } else { last.append(attribute) }
    }

    private var last: MediaDescription {
        get { description.media[description.media.count - 1] }
        _modify { yield &description.media[description.media.count - 1] }
    }

    mutating func finish() throws(SDPFault) -> SessionDescription {
        guard hasVersion else { throw .malformed("empty") }
        guard let origin else { throw .malformed("no o= line") }
        closeSection()
        description.origin = origin
        if description.timing.isEmpty { description.timing = ["0 0"] }
        return description
    }
}

/// Octets taken apart from left to right, where they lie: descriptions are read for every call, and text is made of what is kept alone.
extension ArraySlice<UInt8> {
    var text: String { String(decoding: self, as: UTF8.self) }

    /// All digits, of no more than any number here may have; else nil.
    var decimal: Int? {
        guard !isEmpty, count <= 9 else { return nil }
        var value = 0
        for octet in self {
            let digit = octet &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }

    /// Takes what stands before an octet, and the octet; all when it is not there.
    mutating func take(before octet: UInt8) -> ArraySlice<UInt8> {
        guard let index = firstIndex(of: octet) else {
            defer { self = self[endIndex...] }
            return self
        }
        defer { self = self[(index + 1)...] }
        return self[..<index]
    }

    /// Takes what stands before the next blank; nil when only blanks are left.
    mutating func takeField() -> ArraySlice<UInt8>? {
        guard let start = firstIndex(where: { $0 != UInt8(ascii: " ") }) else {
            self = self[endIndex...]
            return nil
        }
        self = self[start...]
        return take(before: UInt8(ascii: " "))
    }

    /// What stands between blanks.
    var fields: [ArraySlice<UInt8>] { split(separator: UInt8(ascii: " ")) }
}
