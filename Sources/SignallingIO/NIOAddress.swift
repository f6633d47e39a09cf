import NIOCore
import NetAddress

extension NIOCore.SocketAddress {
    /// nil for an address that NIO cannot make, which no value of ours is.
    init?(_ address: NetAddress.SocketAddress) {
        guard let made = try? Self(ipAddress: "\(address.ip)", port: Int(address.port)) else { return nil }
        self = made
    }
}

extension NetAddress.SocketAddress {
    /// nil for what is no IP address.
    init?(_ address: NIOCore.SocketAddress?) {
        guard let address, address.protocol == .inet || address.protocol == .inet6 else { return nil }
        // Linux's sockaddr_in and sockaddr_in6: family, port, then the address at 4, or the flow label and the address at 8.
        let made: NetAddress.SocketAddress? = address.withSockAddr { pointer, size in
            let raw = UnsafeRawBufferPointer(start: pointer, count: size)
            let port = UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            if size >= 24 {
                let high = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                let low = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
                return NetAddress.SocketAddress(IPAddress.v6(high: high, low: low).unmapped, port)
            }
            guard size >= 8 else { return nil }
            let bits = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            return NetAddress.SocketAddress(.v4(bits), port)
        }
        guard let made else { return nil }
        self = made
    }
}
