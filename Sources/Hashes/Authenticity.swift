internal import COpenSSL

/// HMAC-SHA-256 (RFC 2104, RFC 4231): 32 octets that only a holder of `key` can make.
public func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    let block = 64
    var padded = key.count > block ? sha256(key) : key
    padded.append(contentsOf: repeatElement(0, count: block - padded.count))
    let inner = sha256(padded.map { $0 ^ 0x36 } + message)
    return sha256(padded.map { $0 ^ 0x5C } + inner)
}

/// Whether two strings of octets are equal, in a time that depends on their lengths only: how far a forged response
/// agrees with the right one must not be measurable.
public func constantTimeEquals(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
}

/// Lower-case hexadecimal, as digest authentication writes hashes (RFC 7616 §3.3, LHEX).
public func hex(_ octets: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: octets.count * 2) { output in
        for (index, octet) in octets.enumerated() {
            output[index * 2] = hexDigit(octet >> 4)
            output[index * 2 + 1] = hexDigit(octet & 15)
        }
        return octets.count * 2
    }
}

private func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
