public import ArgumentParser
public import Events
import Foundation
public import Switch

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the switch in the foreground.",
        discussion: "SIGTERM and SIGINT drain and end it, SIGHUP reads the YAML files again."
    )

    @OptionGroup var config: ConfigOption
    @Option(name: .long, help: "text or json.") var logFormat = LogSink.Format.text
    @Option(name: .long, help: "debug, info, notice, warning or error.") var logLevel = LogLevel.info
    @Option(name: .long, help: "Seconds to wait for calls to end (also as 30s or 2m).") var drainTimeout = "30s"

    func validate() throws {
        guard patience != nil else { throw ValidationError("--drain-timeout is '\(drainTimeout)': write 30s or 2m") }
    }

    private var patience: Duration? {
        let digits = drainTimeout.prefix { $0.isNumber }
        guard let count = Int(digits), count <= 86_400 else { return nil }
        switch drainTimeout.dropFirst(digits.count) {
        case "", "s": return .seconds(count)
        case "m": return .seconds(count * 60)
        default: return nil
        }
    }

    func run() async throws {
        let log = LogSink(format: logFormat, level: logLevel)
        let signals = Signals([SIGTERM, SIGINT, SIGHUP])
        let node: Node
        do {
            node = try await Node(configurationFile: config.config, log: log)
        } catch {
            log.stop()
            throw Failure("\(error)")
        }
        do { try Output.write(await node.readyLine + "\n") } catch {
            log.log(.warning, "\(error.text); calls are taken all the same")
        }
        await node.run(until: signals)
        await node.drain(patience: patience ?? .seconds(30))
        log.stop()
    }
}

extension LogSink.Format: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}

extension Node {
    /// Serves until a signal asks for the end; SIGHUP reads the files again.
    func run(until signals: Signals) async {
        for await signal in signals.stream {
            guard signal == SIGHUP else { return }
            await reload()
        }
    }
}

/// Signals as they come.
struct Signals {
    let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    init(_ numbers: [Int32]) {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        self.stream = stream
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
        // A peer that goes away while we write is told by the write.
        signal(SIGPIPE, SIG_IGN)
    }
}
