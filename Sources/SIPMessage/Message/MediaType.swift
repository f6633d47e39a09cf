/// A Content-Type's value: `type/subtype` and parameters (RFC 3261 §20.15).
struct MediaType {
    /// In lower case.
    let name: String
    let parameters: Parameters

    init?(_ bytes: [UInt8], _ range: Range<Int>) {
        var scanner = Scanner(bytes, range)
        scanner.skipLWS()
        guard let type = try? scanner.token("a type"), scanner.takeSeparator(UInt8(ascii: "/")),
            let subtype = try? scanner.token("a subtype")
        else { return nil }
        name = bytes.lowercasedText(type) + "/" + bytes.lowercasedText(subtype)
        guard let parameters = try? scanner.headerParameters() else { return nil }
        self.parameters = parameters
    }
}
