import ControlAPI
import Foundation

/// A JSON object in the body of a request.
protocol BodyObject: Decodable {
    /// All that it may have.
    associatedtype CodingKeys: CodingKey & CaseIterable
}

struct BodyFault: Error {
    var what: String
    var mend: String
}

extension ControlRequest {
    /// Reads the body; `fault` says what it is not when it cannot be read, and how it is written.
    func read<Object: BodyObject>(_ type: Object.Type, or fault: BodyFault) throws -> Object {
        do {
            return try JSONDecoder().decode(Strict<Object>.self, from: Data(body)).object
        } catch let unknown as BodyFault {
            throw unknown
        } catch {
            throw fault
        }
    }
}

/// An object in which every key means something: one that is overlooked would do what nobody wanted.
struct Strict<Object: BodyObject>: Decodable {
    let object: Object

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let known = Object.CodingKeys.allCases.map(\.stringValue)
        let given = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)
        if let unknown = given.filter({ !known.contains($0) }).min() {
            throw BodyFault(what: "the body has a key '\(unknown)'", mend: "use \(known.joined(separator: ", "))")
        }
        object = try Object(from: decoder)
    }
}
