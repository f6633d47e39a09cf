public import ArgumentParser
public import Events
import Foundation
import Records
public import Switch

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the switch in the foreground.",
        discussion: """
            SIGTERM and SIGINT drain and end it; a second one ends the calls that are still up at once. SIGHUP reads the YAML \
            files again.
            """
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
        let signals = Signals()
        let node: Node
        do {
            node = try await Node(configurationFile: config.config, log: log)
        } catch {
            log.stop()
            throw Failure("\(error.inWords)")
        }
        do { try Output.write(await node.readyLine + "\n") } catch {
            log.log(.warning, "\(error.text); calls are taken all the same")
        }
        await node.run(until: signals.ends, readingAt: signals.hangups)
        await node.drain(patience: patience ?? .seconds(30), orUntil: signals.ends)
        withExtendedLifetime(signals) {}
        log.stop()
    }
}

extension LogSink.Format: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}

extension Node {
    /// Serves until a signal asks for the end, though files are being read; SIGHUP reads them again.
    func run(until ends: AsyncStream<Void>, readingAt hangups: AsyncStream<Void>) async {
        let reloading = Task {
            for await _ in hangups { await reload() }
        }
        for await _ in ends { break }
        reloading.cancel()
    }
}

extension Node {
    /// Waits for calls no longer when a signal asks again.
    func drain(patience: Duration, orUntil ends: AsyncStream<Void>) async {
        let hurrying = Task {
            for await _ in ends { return hurry() }
        }
        await drain(patience: patience)
        hurrying.cancel()
    }
}

/// The signals that a switch takes, as they come.
struct Signals {
    /// SIGTERM and SIGINT.
    let ends: AsyncStream<Void>
    /// SIGHUP: of those that come while one is dealt with the last stands for all.
    let hangups: AsyncStream<Void>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (ends, end) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let (hangups, hangup) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        (self.ends, self.hangups) = (ends, hangups)
        sources = [(SIGTERM, end), (SIGINT, end), (SIGHUP, hangup)].map { number, listener in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { listener.yield() }
            source.resume()
            return source
        }
        // A peer that goes away while we write is told by the write.
        signal(SIGPIPE, SIG_IGN)
    }
}
