import CLinuxIO
public import NIOCore

/// Descriptors at the end of what the process may have, which not everybody takes.
public enum SpareDescriptors {
    /// For files, and for whoever asks what is wrong: neither calls nor SIP connections take them.
    public static let count = Int32(LINUX_IO_SPARE)
    /// Of those, for the control socket.
    public static let last = Int32(LINUX_IO_LAST)

    /// Whether a connection has one of the last so many; on its loop.
    public static func has(_ channel: any Channel, ofTheLast count: Int32) -> Bool {
        let isSpare = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable {
            (descriptor: NIOBSDSocket.Handle) in linux_io_is_spare(descriptor, count) != 0
        }
        return isSpare == true
    }
}
