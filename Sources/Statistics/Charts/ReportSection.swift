/// A part of a report: what people read, in the order they read it.
public struct ReportSection: Sendable {
    public var heading: String
    public var blocks: [ReportBlock]

    public init(_ heading: String, _ blocks: [ReportBlock]) { (self.heading, self.blocks) = (heading, blocks) }
}

/// One line of a line chart.
public struct ReportSeries: Sendable {
    public var name: String
    /// One for each label of the axis; nil where there is nothing to show, which breaks the line.
    public var points: [Double?]

    public init(_ name: String, _ points: [Double?]) { (self.name, self.points) = (name, points) }
}

/// A value with what it is of; one that is made of several is their sum.
public struct ReportValue: Sendable {
    public var label: String
    public var parts: [Double]

    public init(_ label: String, _ value: Double) { self.init(label, parts: [value]) }
    public init(_ label: String, parts: [Double]) { (self.label, self.parts) = (label, parts) }

    public var value: Double { parts.reduce(0, +) }
}

/// A figure on its own: what it is, what it reads, and the formula or a remark below it.
public struct ReportFigure: Sendable {
    public var label: String
    public var reading: String
    public var note: String

    public init(_ label: String, _ reading: String, note: String = "") {
        (self.label, self.reading, self.note) = (label, reading, note)
    }
}

public enum ReportBlock: Sendable {
    case text(String)
    /// Large figures side by side.
    case figures([ReportFigure])
    /// Cells that read as numbers are set to the right.
    case table(caption: String, headings: [String], rows: [[String]])
    /// `parts`: what the values are made of, where that is to be seen.
    case bars(caption: String, unit: String, parts: [String] = [], values: [ReportValue])
    case lines(caption: String, unit: String, labels: [String], series: [ReportSeries])
}
