/// The milliseconds since 1970 of a column that holds a time in words, as SQL.
func milliseconds(of column: String) -> String {
    "CAST(round((julianday(\(column)) - 2440587.5) * 86400000) AS INTEGER)"
}
