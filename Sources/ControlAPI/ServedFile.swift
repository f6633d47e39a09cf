/// A file that is an answer: it is read piece by piece, as fast as the peer takes it.
public struct ServedFile: Equatable, Sendable {
    public var path: String
    /// So many of its octets are the answer, though it may grow meanwhile.
    public var octets: Int
    /// What it is called where it is kept; without a path.
    public var name: String
    /// What it is known by once it changes no more (an entity tag, RFC 9110 §8.8.3), without its quotes.
    public var tag: String?

    public init(path: String, octets: Int, name: String, tag: String?) {
        (self.path, self.octets, self.name, self.tag) = (path, octets, name, tag)
    }
}

/// What of a file is asked for (RFC 9110 §14.2): players of sound ask for the part that they are to play.
enum ByteRange: Equatable {
    /// Also where the range cannot be read or is several, which nobody has to serve.
    case whole
    case part(ClosedRange<Int>)
    /// It begins behind the end.
    case unsatisfiable

    /// Of a field `Range`, of a file of so many octets.
    init(_ field: String?, of octets: Int) {
        self = .whole
        guard let field, field.lowercased().hasPrefix("bytes="), octets >= 0 else { return }
        let ends = field.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.place(ends[0]), let last = Self.place(ends[1]) else { return }
        switch (first, last) {
        case (nil, nil): return
        case (nil, let count?):
            self = count > 0 && octets > 0 ? .part(max(0, octets - count)...(octets - 1)) : .unsatisfiable
        case (let first?, let last):
            if let last, last < first { return }
            self = first < octets ? .part(first...min(last ?? .max, octets - 1)) : .unsatisfiable
        }
    }

    /// `.some(nil)` where nothing stands; nil where it is no number. One that is too large is behind every end.
    private static func place(_ text: Substring) -> Int?? {
        guard text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return .some(text.isEmpty ? nil : Int(text) ?? .max)
    }
}
