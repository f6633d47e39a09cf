import Glibc
import Synchronization

/// Ports that nobody holds, below those that Linux hands out by itself, and that no other test of this process is given.
enum FreePorts {
    private static let space: ClosedRange<UInt16> = 20_000...29_998
    private static let next = Mutex(UInt16.random(in: 10_000...14_998) * 2)

    /// As many ports in a row as asked for, the first of them even.
    static func range(_ count: UInt16) -> ClosedRange<UInt16> {
        next.withLock { next in
            while true {
                if next > space.upperBound - count { next = space.lowerBound }
                let range = next...(next + count - 1)
                next += count + count % 2
                if range.allSatisfy(isFree) { return range }
            }
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let held = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(held) }
        var address = Phone.address(0x7F00_0001, port)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(held, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
