internal import COpenSSL

/// MD5 (RFC 1321): 16 octets. Only for digest authentication, where half of the world's phones know nothing else.
public func md5(_ octets: [UInt8]) -> [UInt8] { Algorithm.md5.digest(octets) }

/// SHA-256 (FIPS 180-4): 32 octets.
public func sha256(_ octets: [UInt8]) -> [UInt8] { Algorithm.sha256.digest(octets) }

/// SHA-512/256 (FIPS 180-4 §5.3.6.2): 32 octets. Not SHA-512 cut short: the initial values differ.
public func sha512_256(_ octets: [UInt8]) -> [UInt8] { Algorithm.sha512_256.digest(octets) }

/// A digest of libcrypto, looked up once: looking one up by name costs more than hashing a SIP header does.
///
/// `@unchecked Sendable`: an `EVP_MD` is never written after `EVP_MD_fetch` returned it (only its reference count is,
/// atomically), it is never freed, and each `EVP_Digest` works in a context of its own.
private struct Algorithm: @unchecked Sendable {
    private let handle: OpaquePointer
    private let length: Int

    static let md5 = Algorithm("MD5", length: 16)
    static let sha256 = Algorithm("SHA2-256", length: 32)
    static let sha512_256 = Algorithm("SHA2-512/256", length: 32)

    private init(_ name: String, length: Int) {
        // Nothing from the wire leads here: the configuration is hashed with the same digests before a port opens.
        guard let handle = EVP_MD_fetch(nil, name, nil) else { fatalError("libcrypto offers no \(name)") }
        (self.handle, self.length) = (handle, length)
    }

    func digest(_ octets: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: length) { output, count in
            count = length
            let done = EVP_Digest(octets, octets.count, output.baseAddress, nil, handle, nil)
            guard done == 1 else { fatalError("libcrypto failed to hash \(octets.count) octets") }
        }
    }
}
