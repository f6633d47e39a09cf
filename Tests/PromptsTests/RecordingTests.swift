import Codecs
import Foundation
import Prompts
import Testing

@Suite("The recordings that ship")
struct RecordingTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/Prompts")

    private static func recordings(_ folder: String) throws -> Set<String> {
        let path = Self.folder.appending(path: "Resources/\(folder)").path
        let files = try FileManager.default.contentsOfDirectory(atPath: path)
        #expect(files.allSatisfy { $0.hasSuffix(".wav") })
        return Set(files.map { String($0.dropLast(4)) })
    }

    private static func bytes(_ file: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: "Resources/\(file).wav")))
    }

    /// The names of the table, with the text in each language; `-` is a word that the language lacks.
    private static func table() throws -> [(name: String, texts: [Language: String])] {
        try String(contentsOf: folder.appending(path: "prompts.tsv"), encoding: .utf8)
            .split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { row in
                let cells = row.split(separator: "\t").map(String.init)
                try #require((3...5).contains(cells.count))
                return (cells[0], [.ru: cells[1], .en: cells[2]])
            }
    }

    @Test(arguments: Language.allCases)
    func `the folder holds the table's rows and nothing else`(language: Language) throws {
        let table = try Self.table()
        let named = table.filter { $0.texts[language] != "-" }.map(\.name)
        #expect(Set(named).count == named.count)
        #expect(try Self.recordings(language.rawValue) == Set(named))
    }

    @Test(arguments: Language.allCases)
    func `every name that can be said has a recording`(language: Language) throws {
        var said: Set<String> = []
        var numbers = Array(Int64(-1)...2200)
        for scale: Int64 in [1000, 1_000_000, 1_000_000_000, 1_000_000_000_000] {
            for factor: Int64 in 1...999 { numbers += [factor * scale, factor * scale + 211, -factor * scale] }
        }
        for number in numbers + [.min, .max] {
            for gender in Saying.Gender.allCases { said.formUnion(Saying.number(number, in: language, gender: gender)) }
            for currency in Currency.allCases {
                said.formUnion(Saying.amount(number, currency: currency, in: language))
            }
            said.formUnion(Saying.duration(seconds: Int(number), in: language))
        }
        for year in 0...10_000 { said.formUnion(Saying.date(year: year, month: 1, day: 1, in: language)) }
        for month in 1...12 {
            for day in 1...31 { said.formUnion(Saying.date(year: 2026, month: month, day: day, in: language)) }
        }
        for minute in 0..<1440 {
            said.formUnion(Saying.time(hour: minute / 60, minute: minute % 60, in: language))
        }
        said.formUnion(Saying.digits("0123456789*#", in: language))
        #expect(said.subtracting(try Self.recordings(language.rawValue)) == [])
    }

    @Test(arguments: Language.allCases)
    func `a recording is A-law, begins and ends in silence, and peaks at half of full scale`(
        language: Language
    ) throws {
        for name in try Self.recordings(language.rawValue) {
            let bytes = try Self.bytes("\(language.rawValue)/\(name)")
            #expect(Array(bytes[20..<28]) == [6, 0, 1, 0, 0x40, 0x1F, 0, 0], "\(name)")
            let audio = try PromptFile.read(bytes)
            let levels = audio.alaw.map { abs(Int(G711.decode($0, .a))) }
            #expect((100...12_000).contains(audio.milliseconds), "\(name)")
            #expect((15_000...17_000).contains(levels.max() ?? 0), "\(name)")
            #expect(levels.prefix(140).allSatisfy { $0 < 100 } && levels.suffix(140).allSatisfy { $0 < 100 }, "\(name)")
        }
    }

    @Test func `the music joins its own beginning without a click, and fills whole frames`() throws {
        let bytes = try Self.bytes("music/default")
        let audio = try PromptFile.read(bytes)
        #expect(audio.milliseconds == 32_000 && audio.alaw.elementsEqual(bytes.suffix(audio.alaw.count)))
        let samples = audio.alaw.map { Int(G711.decode($0, .a)) }
        let steps = zip(samples, samples.dropFirst() + samples.prefix(1)).map { abs($0 - $1) }
        let (seam, greatest) = (try #require(steps.last), try #require(steps.dropLast().max()))
        #expect(seam < greatest / 2 && abs(samples[0]) < 500)
        #expect((samples.map(abs).max() ?? 0) < 8000)
    }

    @Test func `the whole set stays below 6 MB`() throws {
        var total = 0
        for folder in Language.allCases.map(\.rawValue) + ["music"] {
            for name in try Self.recordings(folder) { total += try Self.bytes("\(folder)/\(name)").count }
        }
        #expect(total < 6_000_000)
    }
}
