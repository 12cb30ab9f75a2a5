using Npgsql;
using NpgsqlTypes;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Typed positional parameters: one value, or a column of values for <c>unnest</c>.</summary>
internal static class PostgresParameters
{
    public static NpgsqlParameter Text(string? value) => Of(NpgsqlDbType.Text, value);

    public static NpgsqlParameter Number(long? value) => Of(NpgsqlDbType.Bigint, value);

    public static NpgsqlParameter Small(int? value) => Of(NpgsqlDbType.Integer, value);

    public static NpgsqlParameter Fraction(double? value) => Of(NpgsqlDbType.Double, value);

    public static NpgsqlParameter Json(string value) => Of(NpgsqlDbType.Jsonb, value);

    public static NpgsqlParameter JsonOrNull(string? value) => Of(NpgsqlDbType.Jsonb, value);

    public static NpgsqlParameter Truth(bool value) => Of(NpgsqlDbType.Boolean, value);

    public static NpgsqlParameter Texts(IReadOnlyList<string> values) => Texts(values, value => value);

    public static NpgsqlParameter Texts<T>(IReadOnlyList<T> rows, Func<T, string?> column) => Column(NpgsqlDbType.Text, rows, column);

    public static NpgsqlParameter Numbers<T>(IReadOnlyList<T> rows, Func<T, long?> column) => Column(NpgsqlDbType.Bigint, rows, column);

    public static NpgsqlParameter Smalls<T>(IReadOnlyList<T> rows, Func<T, int?> column) => Column(NpgsqlDbType.Integer, rows, column);

    private static NpgsqlParameter Of(NpgsqlDbType type, object? value) => new() { NpgsqlDbType = type, Value = value ?? DBNull.Value };

    private static NpgsqlParameter<TValue[]> Column<TRow, TValue>(NpgsqlDbType type, IReadOnlyList<TRow> rows, Func<TRow, TValue> column)
    {
        var values = new TValue[rows.Count];
        for (var row = 0; row < rows.Count; row++)
        {
            values[row] = column(rows[row]);
        }

        return new NpgsqlParameter<TValue[]> { NpgsqlDbType = NpgsqlDbType.Array | type, TypedValue = values };
    }
}
