using System.Text;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The schema that holds the tables: checked once, then spliced into statements only in its quoted form.</summary>
internal sealed class SchemaName
{
    // PostgreSQL silently truncates longer identifiers, so two long names could become one.
    private const int BytesMax = 63;

    public SchemaName(string value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value);
        if (Encoding.UTF8.GetByteCount(value) > BytesMax)
        {
            throw new ArgumentException($"A schema name has at most {BytesMax} bytes: '{value}' is longer.", nameof(value));
        }

        if (value.Any(char.IsControl))
        {
            throw new ArgumentException("A schema name holds no control characters.", nameof(value));
        }

        if (value.StartsWith("pg_", StringComparison.Ordinal))
        {
            throw new ArgumentException($"PostgreSQL keeps schema names that begin with 'pg_' for itself: '{value}'.", nameof(value));
        }

        // The bodies of the SQL functions are quoted with $$, and name the schema.
        if (value.Contains("$$", StringComparison.Ordinal))
        {
            throw new ArgumentException($"A schema name does not hold '$$': '{value}'.", nameof(value));
        }

        Value = value;
        Quoted = Quote(value);
        Literal = '\'' + value.Replace("'", "''", StringComparison.Ordinal) + '\'';
    }

    /// <summary>Any name as a quoted identifier.</summary>
    public static string Quote(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';

    /// <summary>False if another SDK has made the tables, and none of ours exist beside them; see <see cref="SideSql"/>.</summary>
    public bool HasSideTables { get; init; } = true;

    /// <summary>The name as it was given.</summary>
    public string Value { get; }

    /// <summary>The name as a quoted identifier.</summary>
    public string Quoted { get; }

    /// <summary>The name as a string literal; no backslash escapes, as <c>standard_conforming_strings</c> is on since 9.1.</summary>
    public string Literal { get; }

    public override string ToString() => Quoted;
}
