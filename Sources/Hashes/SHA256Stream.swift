internal import COpenSSL

/// SHA-256 (FIPS 180-4) of octets that come in pieces, for what is too long to hold in memory.
public final class SHA256Stream {
    private let context: OpaquePointer
    private var isSound: Bool

    /// Nil when libcrypto has no memory for a context.
    public init?() {
        guard let context = EVP_MD_CTX_new() else { return nil }
        self.context = context
        isSound = EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    }

    deinit { EVP_MD_CTX_free(context) }

    public func update(_ octets: UnsafeRawBufferPointer) {
        guard isSound, !octets.isEmpty else { return }
        isSound = EVP_DigestUpdate(context, octets.baseAddress, octets.count) == 1
    }

    /// 32 octets, once; nil when libcrypto failed on the way.
    public func finish() -> [UInt8]? {
        guard isSound else { return nil }
        isSound = false
        var isDone = false
        let digest = [UInt8](unsafeUninitializedCapacity: 32) { output, count in
            isDone = EVP_DigestFinal_ex(context, output.baseAddress, nil) == 1
            count = isDone ? 32 : 0
        }
        return isDone ? digest : nil
    }
}
