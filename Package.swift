// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"), .treatAllWarnings(as: .error),
    // A call passes through a dozen modules: values are specialised across them. Exclusive access is checked by the compiler here, and
    // while running in every debug build, which the tests are: together a sixth of a call's CPU time.
    .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

// Foundation inside the program has a call that other linkers warn of at every build.
let linking: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld"], .when(configuration: .release))]

let testSettings: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .treatAllWarnings(as: .error)]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")

let package = Package(
    name: "gudok",
    products: [
        .executable(name: "gudok", targets: ["gudok"]),
        // For the fuzzer, which is a package of its own.
        .library(name: "Parsers", targets: ["NetAddress", "RTP", "SDP", "SIPMessage"]),
    ],

    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Values: no clock, no socket, no file.
        // Every program has it below itself, and so is linked as it says.
        .target(name: "Timebase", swiftSettings: settings, linkerSettings: linking),
        .target(name: "NetAddress", swiftSettings: settings),
        .target(name: "Events", dependencies: ["Timebase"], swiftSettings: settings),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "Hashes", dependencies: ["COpenSSL"], swiftSettings: settings),

        // SIP and the calls.
        .target(name: "SIPMessage", dependencies: ["NetAddress"], swiftSettings: settings),
        .target(name: "SDP", dependencies: ["NetAddress"], swiftSettings: settings),
        .target(
            name: "SIP",
            dependencies: ["Events", "Hashes", "NetAddress", "SDP", "SIPMessage", "Timebase"],
            swiftSettings: settings
        ),
        .target(name: "DialPlan", dependencies: ["Events", "Timebase"], swiftSettings: settings),
        .target(
            name: "Config",
            dependencies: ["DialPlan", "Events", "NetAddress", "SIP", "Yams"],
            swiftSettings: settings
        ),
        .target(name: "ACD", dependencies: ["Config", "Events", "Timebase"], swiftSettings: settings),
        .target(
            name: "Calls",
            dependencies: [
                "ACD", "Codecs", "Config", "DialPlan", "Events", "Media", "NetAddress", "Prompts", "SDP", "SIP",
                "SIPMessage", "Timebase",
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Engine",
            dependencies: [
                "ACD", "Calls", "Config", "DialPlan", "Events", "Media", "NetAddress", "SIP", "SIPMessage", "Timebase",
            ],
            swiftSettings: settings
        ),

        // Media.
        .target(name: "Codecs", swiftSettings: settings),
        .systemLibrary(name: "CSpeexDSP", pkgConfig: "speexdsp", providers: [.apt(["libspeexdsp-dev"])]),
        .target(
            name: "Prompts",
            dependencies: ["CSpeexDSP", "Codecs"],
            exclude: ["make-music.py", "make-prompts.sh", "prompts.tsv"],
            resources: [.copy("Resources")],
            swiftSettings: settings
        ),
        .target(name: "RTP", dependencies: ["Events"], swiftSettings: settings),
        .target(
            name: "Media",
            dependencies: ["CSpeexDSP", "Codecs", "Events", "NetAddress", "RTP", "Timebase"],
            swiftSettings: settings
        ),
        .systemLibrary(name: "COpus", pkgConfig: "opus", providers: [.apt(["libopus-dev"])]),
        .systemLibrary(name: "COgg", pkgConfig: "ogg", providers: [.apt(["libogg-dev"])]),
        .target(name: "Recording", dependencies: ["COgg", "COpus"], swiftSettings: settings),
        .target(name: "CLinuxIO"),
        .target(name: "Threading", dependencies: ["CLinuxIO"], swiftSettings: settings),
        .target(
            name: "RecordingIO",
            dependencies: ["CLinuxIO", "Codecs", "Hashes", "Recording", "Threading"],
            swiftSettings: settings
        ),
        .target(
            name: "MediaIO",
            dependencies: ["CLinuxIO", "Codecs", "Events", "Media", "NetAddress", "RTP", "RecordingIO", "Threading"],
            swiftSettings: settings
        ),

        // Records.
        .target(name: "Accounting", dependencies: ["Events", "Timebase"], swiftSettings: settings),
        .target(name: "Trace", dependencies: ["Events", "NetAddress", "Timebase"], swiftSettings: settings),
        .target(
            name: "Records",
            dependencies: [
                "Accounting", "Events", "Hashes", "SIP", "Threading", "Timebase", "Trace",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),
        .target(name: "Statistics", dependencies: ["Timebase"], swiftSettings: settings),

        .target(
            name: "WhatIf",
            dependencies: ["ACD", "Config", "Events", "Timebase"],
            swiftSettings: settings
        ),
        .target(
            name: "Reports",
            dependencies: [
                "Accounting", "Config", "DialPlan", "Events", "Records", "Statistics", "Timebase", "WhatIf",
            ],
            swiftSettings: settings
        ),

        // The edges, and what joins them.
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "Listening", dependencies: ["CLinuxIO", nioCore], swiftSettings: settings),
        .systemLibrary(name: "CAres", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
        .target(
            name: "SignallingIO",
            dependencies: [
                "CAres", "CLinuxIO", "Listening", "NetAddress", "SIP", "SIPMessage", "Threading", nioCore, nioPosix,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "ControlAPI",
            dependencies: [
                "Listening", nioCore, nioPosix,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Switch",
            dependencies: [
                "ACD", "Accounting", "CCurl", "CLinuxIO", "Calls", "Config", "ControlAPI", "DialPlan", "Engine",
                "Events",
                "Hashes", "Media", "MediaIO",
                "NetAddress",
                "Prompts", "RecordingIO", "Records", "Reports", "SIP", "SIPMessage",
                "SignallingIO", "Threading", "Timebase", "Trace", "WhatIf",
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"), nioCore, nioPosix,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "SoftPhone",
            dependencies: [
                "CLinuxIO", "Codecs", "Media", "NetAddress", "RTP", "SDP", "SIP", "SIPMessage", "Timebase",
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Simulation",
            dependencies: [
                "ACD", "Accounting", "Calls", "Config", "DialPlan", "Engine", "Events", "Media", "NetAddress", "SDP",
                "SIP",
                "SIPMessage", "SoftPhone", "Timebase",
            ],
            swiftSettings: settings
        ),
        .target(name: "Console", dependencies: ["Statistics", "Timebase"], swiftSettings: settings),
        .executableTarget(
            name: "gudok",
            dependencies: [
                "ACD", "Accounting", "CLinuxIO", "Config", "Console", "ControlAPI", "DialPlan", "Events", "Hashes",
                "NetAddress", "Records",
                "Reports", "SIP", "SoftPhone", "Statistics", "Switch", "Timebase", "Trace", "WhatIf",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings,
            // A call makes and drops some thousands of small values: with this allocator in the place of the C library's it takes an
            // eighth fewer instructions.
            linkerSettings: [.linkedLibrary("mimalloc")]
        ),

        // Benchmarks, each a program of its own (`make bench`).
        .executableTarget(
            name: "RelayBench",
            dependencies: ["Media", "MediaIO", "NetAddress"],
            path: "Benchmarks/Relay",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "MediaBench",
            dependencies: ["Codecs", "Media", "MediaIO", "NetAddress", "RTP", "RecordingIO"],
            path: "Benchmarks/Media",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "SignallingBench",
            dependencies: ["SIP", "SIPMessage", "Simulation"],
            path: "Benchmarks/Signalling",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Days",
            dependencies: ["Simulation"],
            path: "Benchmarks/Days",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "QueueBench",
            dependencies: ["ACD", "Config", "Events", "SIP", "Simulation", "Timebase"],
            path: "Benchmarks/Queues",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "ReportBench",
            dependencies: [
                "Config", "Events", "Records", "Reports", "Timebase", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            path: "Benchmarks/Reports",
            swiftSettings: settings
        ),

        // Tests.
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        .target(name: "CSpawn", path: "Tests/CSpawn"),
        .testTarget(name: "ThreadingTests", dependencies: ["Threading"], swiftSettings: testSettings),
        .testTarget(name: "RTPTests", dependencies: ["Codecs", "Events", "RTP"], swiftSettings: testSettings),
        .testTarget(
            name: "MediaTests",
            dependencies: ["Codecs", "Events", "Media", "NetAddress", "RTP", "Timebase"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "MediaIOTests",
            dependencies: ["CAllocations", "Events", "Media", "MediaIO", "NetAddress", "RTP"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "SwitchTests",
            dependencies: [
                "Accounting", "Config", "DialPlan", "Events", "Media", "Records", "Switch", "Timebase",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "SignallingIOTests",
            dependencies: ["CLinuxIO", "NetAddress", "SIPMessage", "SignallingIO", nioCore, nioPosix],
            swiftSettings: testSettings
        ),
        .testTarget(name: "ConsoleTests", dependencies: ["Console"], swiftSettings: testSettings),
        .testTarget(name: "PromptsTests", dependencies: ["Codecs", "Prompts"], swiftSettings: testSettings),
        .testTarget(name: "RecordingTests", dependencies: ["COgg", "COpus", "Recording"], swiftSettings: testSettings),
        .testTarget(
            name: "RecordingIOTests",
            dependencies: ["COpus", "Codecs", "Hashes", "RecordingIO"],
            swiftSettings: testSettings
        ),
        .testTarget(name: "TimebaseTests", dependencies: ["Timebase"], swiftSettings: testSettings),
        .testTarget(name: "NetAddressTests", dependencies: ["NetAddress"], swiftSettings: testSettings),
        .testTarget(name: "HashesTests", dependencies: ["Hashes"], swiftSettings: testSettings),
        .testTarget(name: "SIPMessageTests", dependencies: ["NetAddress", "SIPMessage"], swiftSettings: testSettings),
        .testTarget(
            name: "SIPTests",
            dependencies: ["Events", "Hashes", "NetAddress", "SDP", "SIP", "SIPMessage", "Timebase"],
            swiftSettings: testSettings
        ),
        .testTarget(name: "SDPTests", dependencies: ["NetAddress", "SDP"], swiftSettings: testSettings),
        .testTarget(
            name: "AccountingTests",
            dependencies: ["Accounting", "Events", "Timebase"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "RecordsTests",
            dependencies: [
                "Accounting", "Events", "Records", "Timebase", "Trace", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ReportsTests",
            dependencies: ["Accounting", "Config", "Events", "Records", "Reports", "Statistics", "Timebase"],
            swiftSettings: testSettings
        ),
        .testTarget(name: "StatisticsTests", dependencies: ["Statistics", "Timebase"], swiftSettings: testSettings),
        .testTarget(name: "TraceTests", dependencies: ["Events", "Timebase", "Trace"], swiftSettings: testSettings),
        .testTarget(
            name: "WhatIfTests",
            dependencies: ["Config", "Events", "SIP", "Timebase", "WhatIf"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ACDTests",
            dependencies: ["ACD", "Config", "Events", "SIP", "Timebase"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "CallsTests",
            dependencies: [
                "ACD", "Calls", "Config", "DialPlan", "Events", "Media", "NetAddress", "Prompts", "SIP", "SIPMessage",
                "Timebase",
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "EngineTests",
            dependencies: ["Config", "Engine", "NetAddress", "SIP", "Timebase"],
            swiftSettings: testSettings
        ),
        .testTarget(name: "DialPlanTests", dependencies: ["DialPlan"], swiftSettings: testSettings),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Config", "Events", "Records", "Reports", "Simulation", "Timebase"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["CSpawn", "Codecs", "Hashes", "Timebase", "gudok"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ControlAPITests",
            dependencies: ["ControlAPI", nioCore, nioPosix],
            swiftSettings: testSettings
        ),
    ],
    swiftLanguageModes: [.v6]
)
