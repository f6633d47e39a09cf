import DialPlan
import Yams

/// What the aliases (`*name`) of a text stand for, measured before it is composed.
///
/// A composed alias is the node of its anchor once more, and readers walk nodes as a tree: a few lines of aliases of aliases are more nodes than
/// any machine can look at. Yams gives no word of them before it has hashed all that stands in keys. So the text is composed with each alias as
/// a word of its own first, which is no longer than the text is: the same places, and nothing that multiplies.
struct YAMLAliases {
    struct Fault: Error {
        var position: SourcePosition
        var problem: String
        var mend: String
    }

    /// Nodes that aliases may add to those that are written, in a file.
    static let most = 100_000
    /// Levels of lists and mappings in each other: as many as libyaml takes where they are written.
    static let deepest = 1_000

    /// Stands for `*`; of the private use area, where no file has letters.
    private static let sign: Unicode.Scalar = "\u{E000}"

    private struct Weight {
        var nodes = 1
        var depth = 1
        var isText = true
    }

    private let allowance: Int
    private var added = 0
    private var weights: [String: Weight] = [:]

    /// The text with a word in the place of each alias; nil: none can be in it.
    static func standIn(for text: String) -> String? {
        var result = String.UnicodeScalarView()
        var (hasAlias, isStar) = (false, false)
        for scalar in text.unicodeScalars {
            if isStar {
                hasAlias = hasAlias || isOfName(scalar)
                result.append(isOfName(scalar) ? sign : "*")
            }
            isStar = scalar == "*"
            if !isStar { result.append(scalar) }
        }
        if isStar { result.append("*") }
        return hasAlias ? String(result) : nil
    }

    /// What a fault of the stand-in says is of the text.
    static func written(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(scalar == sign ? "*" : scalar) }
        return String(result)
    }

    /// libyaml's letters of anchors.
    private static func isOfName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z", "_", "-": true
        default: false
        }
    }

    /// Looks at a stand-in. `allowance`: nodes that aliases may add.
    ///
    /// - Throws: `Fault`, or what Yams has against the text.
    static func measure(_ standIn: String, allowance: Int) throws {
        let parser = try Parser(yaml: standIn)
        guard let root = try parser.singleRoot() else { return }
        var aliases = YAMLAliases(allowance: allowance)
        // Nodes know their anchors for as long as there is the parser.
        _ = try withExtendedLifetime(parser) { try aliases.weigh(root) }
    }

    private init(allowance: Int) { self.allowance = allowance }

    /// In the order of the text, as an alias is what its name was given to last.
    private mutating func weigh(_ node: Node) throws(Fault) -> Weight {
        var weight = Weight()
        switch node {
        case .scalar(let scalar): weight = try weigh(scalar)
        case .sequence(let items):
            weight.isText = false
            for item in items { try add(item, to: &weight) }
        case .mapping(let pairs):
            weight.isText = false
            for pair in pairs {
                // Composing hashes keys, with all that is in them.
                guard try add(pair.key, to: &weight).isText else {
                    throw fault(at: pair.key, "a key is no text", "write keys as words")
                }
                try add(pair.value, to: &weight)
            }
        case .alias: break
        }
        guard weight.depth <= Self.deepest else {
            throw fault(at: node, "lists and mappings are nested too deeply", "use fewer levels, or fewer aliases")
        }
        if let anchor = node.anchor { weights[anchor.rawValue] = weight }
        return weight
    }

    @discardableResult
    private mutating func add(_ node: Node, to weight: inout Weight) throws(Fault) -> Weight {
        let part = try weigh(node)
        weight.nodes += part.nodes
        weight.depth = max(weight.depth, part.depth + 1)
        return part
    }

    private mutating func weigh(_ scalar: Node.Scalar) throws(Fault) -> Weight {
        guard scalar.style == .plain, scalar.string.unicodeScalars.first == Self.sign else { return Weight() }
        let name = String(scalar.string.unicodeScalars.dropFirst())
        guard let weight = weights[name] else {
            throw fault(
                at: .scalar(scalar),
                "there is no anchor '&\(Self.written(name))' before the alias '*\(Self.written(name))'",
                "write out what is meant, or put the text in quotes"
            )
        }
        // No more than this at each: no sum runs over.
        added += weight.nodes
        guard added <= allowance else {
            throw fault(
                at: .scalar(scalar),
                "the aliases up to '*\(name)' stand for more than \(allowance) values",
                "write out what is meant, with fewer aliases of aliases"
            )
        }
        return weight
    }

    private func fault(at node: Node, _ problem: String, _ mend: String) -> Fault {
        let position = node.mark.map { SourcePosition(line: $0.line, column: $0.column) }
        return Fault(position: position ?? SourcePosition(line: 1, column: 1), problem: problem, mend: mend)
    }
}
