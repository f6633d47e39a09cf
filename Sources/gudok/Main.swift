import ArgumentParser
import Foundation
import Records

/// The command line: 0 done, 1 failed with one line on standard error, 2 wrong usage.
@main
struct Main {
    static func main() async {
        do {
            var command = try Gudok.parseAsRoot(Self.arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try Output.finish()
        } catch let failure as Failure where failure.isReaderGone {
            // Who reads has enough: the command ends as any other in a pipe, without a word.
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        } catch let failure as Failure {
            Output.complain("gudok: \(failure.text)")
            exit(1)
        } catch let code as ExitCode {
            exit(code.rawValue)
        } catch  where error is OpeningFault || error is FileFault || error is CocoaError || error is POSIXError {
            Output.complain("gudok: \(error.inWords)")
            exit(1)
        } catch {
            let text = Gudok.fullMessage(for: error)
            guard Gudok.exitCode(for: error) != .success else {
                print(text)
                exit(0)
            }
            Output.complain(text)
            // Only what the parser found wrong is wrong usage.
            exit(Gudok.exitCode(for: error) == .validationFailure ? 2 : 1)
        }
    }

    /// A time in the past joined to its option: what is wrong elsewhere would else be answered with the help, for the h of `-2h`.
    private static var arguments: [String] {
        var joined: [String] = []
        for argument in CommandLine.arguments.dropFirst() {
            if let option = joined.last, ["--since", "--until"].contains(option), argument.hasPrefix("-") {
                joined[joined.count - 1] = "\(option)=\(argument)"
            } else {
                joined.append(argument)
            }
        }
        return joined
    }
}

/// What went wrong, why, and what to do.
struct Failure: Error, CustomStringConvertible {
    var text: String
    /// Nobody reads what the command has to say.
    var isReaderGone = false
    init(_ text: String) { self.text = text }
    var description: String { text }
}

struct Gudok: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gudok",
        abstract: "A telephony switch for contact centres.",
        version: "0.1.0",
        subcommands: [
            Serve.self, Demo.self, Check.self, Apply.self, Export.self, Registrations.self, Calls.self, Trunks.self,
            Sinks.self,
            PlaceCall.self, Supervise.self,
            HangUp.self, Transfer.self, Callbacks.self, Queues.self, Agents.self, ChangeAgent.self,
            DialPlanCommand.self, Stats.self,
            Recordings.self,
            CallRecords.self, TraceCommand.self, Why.self, Audit.self, BackUp.self, RestoreCommand.self, Doctor.self,
        ]
    )
}
