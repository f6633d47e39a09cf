import NetAddress

extension SessionDescription {
    /// Parses SDP; line ends may be CRLF or LF.
    public init(parsing bytes: [UInt8]) throws(SDPFault) {
        guard bytes.count <= SDPLimits.octets else { throw .malformed("more than \(SDPLimits.octets) octets") }
        var parser = SDPParser()
        var number = 0
        for slice in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            number += 1
            guard number <= SDPLimits.lines else {
                throw .malformed("more than \(SDPLimits.lines) lines", line: number)
            }
            let line = slice.last == 13 ? slice.dropLast() : slice
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 13 }) { continue }
            guard line.count <= SDPLimits.lineOctets else {
                throw .malformed("a line of \(line.count) octets", line: number)
            }
            guard line.count >= 2, line[line.startIndex + 1] == UInt8(ascii: "="), line[line.startIndex] &- 97 < 26
            else {
                throw .malformed("a line that does not begin with a letter and '='", line: number)
            }
            let type = Character(Unicode.Scalar(line[line.startIndex]))
            try parser.take(type, String(decoding: line.dropFirst(2), as: UTF8.self), line: number)
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

    mutating func take(_ type: Character, _ value: String, line: Int) throws(SDPFault) {
        if !hasVersion {
            guard type == "v", value.filter({ $0 != " " }) == "0" else {
                throw .malformed("does not begin with v=0", line: line)
            }
            hasVersion = true
            return
        }
        switch type {
        case "v": throw .malformed("a second v= line", line: line)
        case "o": try takeOrigin(value, line: line)
        case "s" where description.media.isEmpty: description.sessionName = value
        case "m": try takeMedia(value, line: line)
        case "c": try takeConnection(value, line: line)
        case "t" where description.media.isEmpty: description.timing.append(value)
        case "a":
            let parts = value.parts(around: ":", most: 1)
            guard let name = parts.first, !name.isEmpty else {
                throw .malformed("an attribute without a name", line: line)
            }
            let attribute = Attribute(String(name), parts.count == 2 ? String(parts[1]) : nil)
            try check(attribute, line: line)
            append(attribute)
        default: append(Line(type, value))
        }
    }

    private mutating func takeOrigin(_ value: String, line: Int) throws(SDPFault) {
        let fields = value.fields
        guard origin == nil, description.media.isEmpty else { throw .malformed("a second o= line", line: line) }
        // Phones with an empty or spaced user name are met in the wild: the last five fields are what counts.
        guard fields.count >= 5 else { throw .malformed("an o= line with \(fields.count) fields", line: line) }
        let tail = fields.suffix(5).map(String.init)
        origin = Origin(
            username: fields.count > 5 ? fields.dropLast(5).joined(separator: " ") : "-",
            sessionID: tail[0],
            version: tail[1],
            address: tail[2...].joined(separator: " ")
        )
    }

    private mutating func takeMedia(_ value: String, line: Int) throws(SDPFault) {
        let fields = value.fields
        guard description.media.count < SDPLimits.media else {
            throw .malformed("more than \(SDPLimits.media) m= lines", line: line)
        }
        guard fields.count >= 4 else { throw .malformed("an m= line with \(fields.count) fields", line: line) }
        guard fields.count - 3 <= SDPLimits.formats else {
            throw .malformed("more than \(SDPLimits.formats) formats", line: line)
        }
        let ports = fields[1].parts(around: "/", most: 1, omittingEmpty: true)
        guard let first = ports.first, let port = UInt16(first) else {
            throw .malformed("no port in the m= line", line: line)
        }
        var media = MediaDescription(
            kind: String(fields[0]),
            port: port,
            proto: String(fields[2]),
            formats: fields[3...].map(String.init)
        )
        if ports.count == 2 {
            guard let count = Int(ports[1]), (1...255).contains(count) else {
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

    private mutating func takeConnection(_ value: String, line: Int) throws(SDPFault) {
        let fields = value.fields
        guard fields.count >= 3, fields[0] == "IN", fields[1] == "IP4" || fields[1] == "IP6" else {
            throw .malformed("no 'IN IP4 address' in the c= line", line: line)
        }
        let host = String(fields[2].prefix { $0 != "/" })
        let connection = ConnectionData(host: host)
        if let address = connection.address, address.isV6 != (fields[1] == "IP6") {
            throw .malformed("the address is not of the named family", line: line)
        }
        if description.media.isEmpty { description.connection = connection } else { last.connection = connection }
    }

    /// Attributes that other stacks have crashed on are read when they come, so that nobody relies on them unread.
    private mutating func check(_ attribute: Attribute, line: Int) throws(SDPFault) {
        guard !meanings.take(attribute) else { return }
        throw .malformed(
            attribute.name == "rtpmap"
                ? "an rtpmap that is no 'number name/rate'" : "an fmtp without parameters",
            line: line
        )
    }

    private mutating func append(_ attribute: Attribute) {
        if description.media.isEmpty {
            description.attributes.append(attribute)
        } else {
            last.append(attribute)
        }
    }

    private mutating func append(_ line: Line) {
        if description.media.isEmpty { description.otherLines.append(line) } else { last.otherLines.append(line) }
    }

    private var last: MediaDescription {
        get { description.media[description.media.count - 1] }
        set { description.media[description.media.count - 1] = newValue }
    }

    mutating func finish() throws(SDPFault) -> SessionDescription {
        guard hasVersion else { throw .malformed("empty") }
        guard let origin else { throw .malformed("no o= line") }
        closeSection()
        var description = description
        description.origin = origin
        if description.timing.isEmpty { description.timing = ["0 0"] }
        return description
    }
}

/// Text in pieces, by octets: to find its characters costs more than all else that is done with a description.
extension Substring {
    /// What stands between spaces.
    var fields: [Substring] { parts(around: " ", omittingEmpty: true) }

    func parts(around separator: Unicode.Scalar, most: Int = .max, omittingEmpty: Bool = false) -> [Substring] {
        utf8.split(separator: UInt8(ascii: separator), maxSplits: most, omittingEmptySubsequences: omittingEmpty)
            .map { Substring($0) }
    }
}

extension String {
    var fields: [Substring] { Substring(self).fields }

    func parts(around separator: Unicode.Scalar, most: Int = .max, omittingEmpty: Bool = false) -> [Substring] {
        Substring(self).parts(around: separator, most: most, omittingEmpty: omittingEmpty)
    }
}
