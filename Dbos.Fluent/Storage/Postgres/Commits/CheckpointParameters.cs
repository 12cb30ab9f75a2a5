using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The eight parameters of a checkpoint, in the order that every statement uses.</summary>
internal static class CheckpointParameters
{
    /// <summary>A row's values; nulls if there is no row.</summary>
    public static NpgsqlParameter[] Values(CheckpointRow? row) =>
    [
        Small(row?.Sequence),
        Text(row?.Name),
        Text(row?.Output),
        Text(row?.Error),
        Text(row?.Format),
        Text(row?.ChildId),
        Number(row?.StartedAtMs),
        Number(row?.CompletedAtMs),
    ];

    /// <summary>Rows as columns; nulls if there is no row.</summary>
    public static NpgsqlParameter[] Columns(IReadOnlyList<CheckpointRow?> rows) =>
    [
        Smalls(rows, row => row?.Sequence),
        Texts(rows, row => row?.Name),
        Texts(rows, row => row?.Output),
        Texts(rows, row => row?.Error),
        Texts(rows, row => row?.Format),
        Texts(rows, row => row?.ChildId),
        Numbers(rows, row => row?.StartedAtMs),
        Numbers(rows, row => row?.CompletedAtMs),
    ];

    /// <summary>Rows as columns, each row preceded by the number of its unit.</summary>
    public static NpgsqlParameter[] Columns(List<(int Ord, CheckpointRow Row)> rows) =>
        [Smalls(rows, row => row.Ord), .. Columns(rows.ConvertAll(row => row.Row))];
}
