/// Writes values as JSON into a text, keys in the order in which their types name them, absent ones left out.
///
/// Foundation's encoder makes a tree of every value and sorts it before it writes: for the dozen events of each call that was more work
/// than all of their other handling. What this one writes, Foundation's decoder reads; containers must be used one within the other,
/// as all code does that the compiler writes.
public struct JSONTextEncoder {
    /// The text, and the containers in it that are not closed yet.
    fileprivate final class Page {
        var text = JSONText()
        private var ends: [UInt8] = []

        /// - Returns: how many containers are open with this one.
        func open(_ start: UInt8, _ end: UInt8) -> Int {
            text.put(start)
            ends.append(end)
            return ends.count
        }

        func close(to depth: Int) { while ends.count > depth { text.put(ends.removeLast()) } }

        func write(_ value: some Encodable, at depth: Int) throws {
            if let string = value as? String { return text.string(string) }
            let start = text.octets.count
            try value.encode(to: Place(page: self, depth: depth))
            close(to: depth)
            // Whoever encodes nothing has nothing to say.
            if text.octets.count == start { text.raw("{}") }
        }
    }

    /// Where one value goes.
    fileprivate final class Place: Encoder {
        let page: Page
        private let depth: Int
        private var container: Int?
        var codingPath: [any CodingKey] { [] }
        var userInfo: [CodingUserInfoKey: Any] { [:] }

        init(page: Page, depth: Int) { (self.page, self.depth) = (page, depth) }

        private func enter(_ start: UInt8, _ end: UInt8) -> Int {
            if let container { return container }
            let opened = page.open(start, end)
            container = opened
            return opened
        }

        func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedEncodingContainer<Key> {
            KeyedEncodingContainer(Members(page: page, depth: enter(UInt8(ascii: "{"), UInt8(ascii: "}"))))
        }

        func unkeyedContainer() -> any UnkeyedEncodingContainer {
            Elements(page: page, depth: enter(UInt8(ascii: "["), UInt8(ascii: "]")))
        }

        func singleValueContainer() -> any SingleValueEncodingContainer { Single(page: page, depth: depth) }
    }

    public init() {}

    /// UTF-8. Throws what a type's own `encode` throws.
    public func encode(_ value: some Encodable) throws -> [UInt8] {
        let page = Page()
        try page.write(value, at: 0)
        return page.text.octets
    }

    private struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let page: Page
        let depth: Int
        var codingPath: [any CodingKey] { [] }

        private func begin(_ key: some CodingKey) {
            page.close(to: depth)
            page.text.member(key.stringValue)
        }

        func encodeNil(forKey key: Key) {
            begin(key)
            page.text.raw("null")
        }
        func encode(_ value: some Encodable, forKey key: Key) throws {
            begin(key)
            try page.write(value, at: depth)
        }
        func encode(_ value: String, forKey key: Key) {
            begin(key)
            page.text.string(value)
        }
        func encode(_ value: Bool, forKey key: Key) {
            begin(key)
            page.text.raw(value ? "true" : "false")
        }
        func encode(_ value: Int, forKey key: Key) {
            begin(key)
            page.text.number(value)
        }
        func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested>
        {
            begin(key)
            let opened = page.open(UInt8(ascii: "{"), UInt8(ascii: "}"))
            return KeyedEncodingContainer(Members<Nested>(page: page, depth: opened))
        }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            begin(key)
            return Elements(page: page, depth: page.open(UInt8(ascii: "["), UInt8(ascii: "]")))
        }
        func superEncoder() -> any Encoder {
            page.close(to: depth)
            page.text.member("super")
            return Place(page: page, depth: depth)
        }
        func superEncoder(forKey key: Key) -> any Encoder {
            begin(key)
            return Place(page: page, depth: depth)
        }
    }

    private struct Elements: UnkeyedEncodingContainer {
        let page: Page
        let depth: Int
        private(set) var count = 0
        var codingPath: [any CodingKey] { [] }

        init(page: Page, depth: Int) { (self.page, self.depth) = (page, depth) }

        private mutating func begin() {
            page.close(to: depth)
            page.text.comma()
            count += 1
        }

        mutating func encodeNil() {
            begin()
            page.text.raw("null")
        }
        mutating func encode(_ value: some Encodable) throws {
            begin()
            try page.write(value, at: depth)
        }
        mutating func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type) -> KeyedEncodingContainer<Nested> {
            begin()
            let opened = page.open(UInt8(ascii: "{"), UInt8(ascii: "}"))
            return KeyedEncodingContainer(Members<Nested>(page: page, depth: opened))
        }
        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
            begin()
            return Elements(page: page, depth: page.open(UInt8(ascii: "["), UInt8(ascii: "]")))
        }
        mutating func superEncoder() -> any Encoder {
            begin()
            return Place(page: page, depth: depth)
        }
    }

    private struct Single: SingleValueEncodingContainer {
        let page: Page
        let depth: Int
        var codingPath: [any CodingKey] { [] }

        func encodeNil() { page.text.raw("null") }
        func encode(_ value: some Encodable) throws { try page.write(value, at: depth) }
        func encode(_ value: Bool) { page.text.raw(value ? "true" : "false") }
        func encode(_ value: String) { page.text.string(value) }
        func encode(_ value: Double) throws { try page.text.number(value) }
        func encode(_ value: Float) throws { try page.text.number(Double(value)) }
        func encode(_ value: Int) { page.text.number(value) }
        func encode(_ value: Int8) { page.text.number(value) }
        func encode(_ value: Int16) { page.text.number(value) }
        func encode(_ value: Int32) { page.text.number(value) }
        func encode(_ value: Int64) { page.text.number(value) }
        func encode(_ value: UInt) { page.text.number(value) }
        func encode(_ value: UInt8) { page.text.number(value) }
        func encode(_ value: UInt16) { page.text.number(value) }
        func encode(_ value: UInt32) { page.text.number(value) }
        func encode(_ value: UInt64) { page.text.number(value) }
    }
}
