public import ArgumentParser
public import Console
import ControlAPI
import Foundation
import Switch

struct ConfigOption: ParsableArguments {
    @Option(name: .long, help: "The node's file.") var config = "./gudok.yaml"

    func files() throws -> ConfigurationFiles {
        do {
            return try ConfigurationFiles(file: config)
        } catch {
            throw Failure("\(error)")
        }
    }
}

struct FormatOption: ParsableArguments {
    @Option(name: .long, help: "table, json, jsonl or csv; a table on a terminal.") var format: OutputFormat?
    @Flag(name: .long, help: "No colours.") var noColor = false

    func show(_ json: Data, keys: [String], columns: [Listing.Column]) throws {
        let listing = try Listing(json: json, keys: keys, columns: columns)
        let text = listing.text(format ?? .table, isColored: Terminal.isColored(noColor: noColor))
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}

extension OutputFormat: ExpressibleByArgument {}

extension ConfigurationFiles {
    /// Asks the running switch.
    func ask(_ request: ControlRequest) async throws -> Data {
        let reply: ControlReply
        do {
            reply = try await ControlClient(socketPath: socketPath).send(request)
        } catch {
            throw Failure("\(error)")
        }
        guard reply.status < 300 else {
            guard let problem = try? JSONDecoder().decode(ControlReply.Problem.self, from: Data(reply.body)) else {
                throw Failure("the switch answered \(reply.status)")
            }
            throw Failure("\(problem.error.what); \(problem.error.mend)")
        }
        return Data(reply.body)
    }

    var isServed: Bool { get async { (try? await ask(ControlRequest(path: ["healthz"]))) != nil } }
}
