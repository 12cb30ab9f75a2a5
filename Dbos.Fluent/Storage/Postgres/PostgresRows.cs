using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Reads columns that may be null.</summary>
internal static class PostgresRows
{
    public static string? TextOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static long? NumberOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    /// <summary>A row of <c>operation_outputs</c>, whose eight columns begin at <paramref name="first"/>.</summary>
    public static CheckpointRow Checkpoint(this NpgsqlDataReader reader, int first) =>
        new(reader.GetInt32(first), reader.GetString(first + 1), reader.NumberOrNull(first + 6), reader.NumberOrNull(first + 7))
        {
            Output = reader.TextOrNull(first + 2),
            Error = reader.TextOrNull(first + 3),
            Format = reader.TextOrNull(first + 4),
            ChildId = reader.TextOrNull(first + 5),
        };
}
