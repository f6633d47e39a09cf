/// The readers behind the typed accessors: each names the header in its fault.
extension Headers {
    func required(_ name: HeaderName) throws(SIPFault) -> Entry {
        guard let entry = first(name) else {
            throw SIPFault(kind: .missingHeader, where: name.name, what: "the header is missing")
        }
        return entry
    }

    func parse<Value>(
        _ entry: Entry,
        _ body: (inout Scanner) throws(SyntaxFault) -> Value
    ) throws(SIPFault) -> Value {
        var scanner = Scanner(bytes, entry.value)
        do throws(SyntaxFault) {
            return try body(&scanner)
        } catch {
            throw SIPFault(error, in: name(entry).name, from: entry.value.lowerBound)
        }
    }

    /// Every value of a comma-separated header over all its lines.
    func parseList<Value>(
        _ name: HeaderName,
        _ element: (inout Scanner) throws(SyntaxFault) -> Value
    ) throws(SIPFault) -> [Value] {
        var values: [Value] = []
        for entry in entries where matches(entry, name) {
            try parse(entry) { scanner throws(SyntaxFault) in
                scanner.skipCommas()
                while !scanner.isAtEnd {
                    values.append(try element(&scanner))
                    try scanner.expectElementEnd()
                    scanner.skipCommas()
                }
            }
        }
        return values
    }

    func address(_ name: HeaderName) throws(SIPFault) -> NameAddress {
        try parse(try required(name)) { scanner throws(SyntaxFault) in
            let value = try NameAddress(&scanner)
            try scanner.expectEnd()
            return value
        }
    }

    /// The tag of a From or To, found without making anything else of the value.
    func tag(_ name: HeaderName) -> String? {
        guard let entry = first(name) else { return nil }
        let value = try? parse(entry) { scanner throws(SyntaxFault) -> String? in
            _ = try scanner.nameAddress()
            while let parameter = try scanner.headerParameter() {
                if let value = parameter.value, bytes.equals(parameter.name, lowercase: "tag") {
                    return bytes.text(value)
                }
            }
            return nil
        }
        return value.flatMap { $0.isEmpty ? nil : $0 }
    }

    func addresses(_ name: HeaderName) throws(SIPFault) -> [NameAddress] {
        try parseList(name) { scanner throws(SyntaxFault) in try NameAddress(&scanner) }
    }

    /// A number of seconds, clamped to 32 bits; what follows it (a comment, parameters) is left alone.
    func seconds(_ name: HeaderName) throws(SIPFault) -> UInt32? {
        guard let entry = first(name) else { return nil }
        return try parse(entry) { scanner throws(SyntaxFault) in
            let value = try scanner.number(upTo: UInt64(UInt32.max), "a number of seconds") ?? UInt64(UInt32.max)
            scanner.skipLWS()
            guard scanner.isAtEnd || scanner.current == UInt8(ascii: ";") || scanner.current == UInt8(ascii: "(") else {
                throw SyntaxFault(scanner.at, "unexpected text after the number")
            }
            return UInt32(truncatingIfNeeded: value)
        }
    }

    /// One word without white space. What else §25.1 asks of a Call-ID helps nobody: it is compared and echoed, never read.
    func checkCallID(_ entry: Entry) throws(SIPFault) {
        try parse(entry) { scanner throws(SyntaxFault) in
            guard !scanner.isAtEnd else { throw SyntaxFault(scanner.at, "the Call-ID is empty") }
            while let octet = scanner.current {
                guard octet > 32, octet != 127 else { throw SyntaxFault(scanner.at, "the Call-ID is not one word") }
                scanner.at &+= 1
            }
        }
    }
}

extension Scanner {
    /// White space and then the end, or the comma before the next value.
    mutating func expectElementEnd() throws(SyntaxFault) {
        skipLWS()
        guard isAtEnd || current == UInt8(ascii: ",") else { throw SyntaxFault(at, "unexpected text after the value") }
    }

    mutating func skipCommas() {
        skipLWS()
        while take(UInt8(ascii: ",")) { skipLWS() }
    }
}
