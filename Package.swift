// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"), .treatAllWarnings(as: .error),
]

let testSettings: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .treatAllWarnings(as: .error)]

let package = Package(
    name: "gudok",
    targets: [
        .target(name: "Timebase", swiftSettings: settings),
        .target(name: "NetAddress", swiftSettings: settings),
        .target(name: "Events", dependencies: ["Timebase"], swiftSettings: settings),
        .target(name: "SIPMessage", dependencies: ["NetAddress"], swiftSettings: settings),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "Hashes", dependencies: ["COpenSSL"], swiftSettings: settings),
        .testTarget(name: "TimebaseTests", dependencies: ["Timebase"], swiftSettings: testSettings),
        .testTarget(name: "NetAddressTests", dependencies: ["NetAddress"], swiftSettings: testSettings),
    ],
    swiftLanguageModes: [.v6]
)
