import CCurl
import Foundation
import NIOCore
import Synchronization
import Timebase

/// Asks URLs, by libcurl on a thread of its own: http and https, many at a time, connections kept for the next.
///
/// Certificates are verified against the system's, and against those of the file that `tls.ca_file` names.
final class WebClient: Sendable {
    struct Fault: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    /// Requests under way; more are refused.
    static let most = 1_000
    /// What somebody says to what was handed over is not read; a receipt that never ends is none.
    private static let longestReceipt = 1 << 20

    private struct Order: Sendable {
        var url: String
        /// JSON to be posted; nil: the URL is only read.
        var body: [UInt8]?
        var milliseconds: Int
        var longest: Int
        var answer: EventLoopPromise<[UInt8]>
    }

    private struct Inbox: Sendable {
        var orders: [Order] = []
        var underWay = 0
        var isOver = false
    }

    /// libcurl's, which only `curl_multi_wakeup` may touch from other threads.
    private struct Multi: @unchecked Sendable { var handle: UnsafeMutableRawPointer }

    /// One request on its way. Touched by the client's thread alone.
    private final class Transfer {
        let order: Order
        let headers: UnsafeMutablePointer<curl_slist>?
        let problem = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        var body: [UInt8] = []
        var isTooLong = false

        init(_ order: Order) {
            self.order = order
            var headers = curl_slist_append(nil, "Accept: application/json")
            if order.body != nil {
                headers = curl_slist_append(headers, "Content-Type: application/json")
                // Nobody waits for a 100.
                headers = curl_slist_append(headers, "Expect:")
            }
            self.headers = headers
            problem.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        }

        deinit {
            curl_slist_free_all(headers)
            problem.deallocate()
        }
    }

    private let inbox = Mutex(Inbox())
    private let multi: Multi
    /// PEM; nil: the system's certificates alone.
    private let certificates: String?

    /// nil: there is no memory for it.
    init?(certificates: String?) {
        guard ccurl_start() != 0, let handle = curl_multi_init() else { return nil }
        (multi, self.certificates) = (Multi(handle: handle), certificates)
        let thread = Thread { [self] in run() }
        thread.name = "gudok-web"
        thread.start()
    }

    /// Ends what is under way, each with a fault.
    func stop() {
        // Woken within the lock: once it is known to be over the thread takes everything down.
        inbox.withLock { inbox in
            if !inbox.isOver { curl_multi_wakeup(multi.handle) }
            inbox.isOver = true
        }
    }

    /// The body of a 200, of at most `longest` octets; redirects are not followed.
    func get(_ url: String, within timeout: Duration, longest: Int, on loop: any EventLoop) -> EventLoopFuture<[UInt8]>
    {
        ask(url, body: nil, within: timeout, longest: longest, on: loop)
    }

    /// Hands JSON over: succeeds with a 2xx; redirects are not followed.
    func post(
        _ json: [UInt8],
        to url: String,
        within timeout: Duration,
        on loop: any EventLoop
    ) -> EventLoopFuture<Void> {
        ask(url, body: json, within: timeout, longest: Self.longestReceipt, on: loop).map { _ in }
    }

    private func ask(
        _ url: String,
        body: [UInt8]?,
        within timeout: Duration,
        longest: Int,
        on loop: any EventLoop
    ) -> EventLoopFuture<[UInt8]> {
        let answer = loop.makePromise(of: [UInt8].self)
        let order = Order(
            url: url,
            body: body,
            milliseconds: max(1, Int(clamping: timeout.wholeNanoseconds / 1_000_000)),
            longest: longest,
            answer: answer
        )
        // Woken within the lock: after `stop` the thread may have taken everything down.
        let refusal = inbox.withLock { inbox -> String? in
            if inbox.isOver { return "the switch is stopping" }
            if inbox.underWay >= Self.most { return "\(Self.most) requests are under way already" }
            inbox.orders.append(order)
            inbox.underWay += 1
            curl_multi_wakeup(multi.handle)
            return nil
        }
        if let refusal { answer.fail(Fault(refusal)) }
        return answer.futureResult
    }

    // MARK: the thread

    private func run() {
        var transfers: [UnsafeMutableRawPointer: Transfer] = [:]
        while true {
            let (orders, isOver) = inbox.withLock { inbox in
                defer { inbox.orders = [] }
                return (inbox.orders, inbox.isOver)
            }
            for order in orders { begin(order, &transfers) }
            if isOver { break }
            var count: Int32 = 0
            curl_multi_perform(multi.handle, &count)
            while let message = curl_multi_info_read(multi.handle, &count) {
                guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
                let result = message.pointee.data.result
                if let transfer = transfers.removeValue(forKey: easy) { finish(transfer, easy, result) }
            }
            curl_multi_poll(multi.handle, nil, 0, 60_000, nil)
        }
        for (easy, transfer) in transfers { finish(transfer, easy, CURLE_ABORTED_BY_CALLBACK) }
        curl_multi_cleanup(multi.handle)
    }

    private func begin(_ order: Order, _ transfers: inout [UnsafeMutableRawPointer: Transfer]) {
        let transfer = Transfer(order)
        let easy = ccurl_get(
            order.url,
            order.milliseconds,
            certificates,
            transfer.headers,
            { octets, size, count, context in
                guard let octets, let context else { return 0 }
                let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                guard transfer.body.count + size * count <= transfer.order.longest else {
                    transfer.isTooLong = true
                    return 0
                }
                transfer.body += UnsafeRawBufferPointer(start: octets, count: size * count)
                return size * count
            },
            Unmanaged.passUnretained(transfer).toOpaque(),
            transfer.problem
        )
        let isWhole = order.body.map { body in body.withUnsafeBytes { ccurl_post(easy, $0.baseAddress, $0.count) != 0 }
        }
        guard let easy, isWhole ?? true, curl_multi_add_handle(multi.handle, easy) == CURLM_OK else {
            curl_easy_cleanup(easy)
            return settle(order, .failure(Fault("it cannot be asked: out of memory")))
        }
        transfers[easy] = transfer
    }

    private func finish(_ transfer: Transfer, _ easy: UnsafeMutableRawPointer, _ result: CURLcode) {
        let status = ccurl_status(easy)
        curl_multi_remove_handle(multi.handle, easy)
        curl_easy_cleanup(easy)
        if transfer.isTooLong { return settle(transfer.order, .failure(Fault("the answer is too long"))) }
        guard result == CURLE_OK else {
            let detail = String(cString: transfer.problem)
            let text = detail.isEmpty ? String(cString: curl_easy_strerror(result)) : detail
            return settle(transfer.order, .failure(Fault(text)))
        }
        let isDone = transfer.order.body == nil ? status == 200 : (200...299).contains(status)
        settle(transfer.order, isDone ? .success(transfer.body) : .failure(Fault("status \(status)")))
    }

    private func settle(_ order: Order, _ result: Result<[UInt8], Fault>) {
        inbox.withLock { $0.underWay -= 1 }
        order.answer.completeWith(result.mapError { $0 })
    }
}
