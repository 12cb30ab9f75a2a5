namespace Dbos.Fluent.Storage.Postgres;

/// <summary>A lock that claims share among each other, and for whose end a change of a queue's limits or pause waits.</summary>
/// <remarks>
/// A claim without a shared limit locks no queue. It may have begun before a change and end after it, by the limits as they were: the
/// change waits for such claims before it is committed, and those that follow see it. The lock is the transaction's, so it costs no write,
/// and it is right behind poolers too.
/// </remarks>
internal static class ClaimGateSql
{
    /// <summary>An expression that lets a claim through, as text. In a statement before it, as its snapshot must be newer.</summary>
    public static string Enter(SchemaName schema) => $"(pg_advisory_xact_lock_shared({Key(schema)}) IS NULL)::text";

    /// <summary>The statement that lets a claim through.</summary>
    public static string LetThrough(SchemaName schema) => $"SELECT {Enter(schema)}";

    /// <summary>The last statement of a change: waits for the claims under way. Where nothing was written, nobody is waited for.</summary>
    public static string AwaitClaims(SchemaName schema) =>
        $"SELECT CASE WHEN txid_current_if_assigned() IS NOT NULL THEN (pg_advisory_xact_lock({Key(schema)}) IS NULL)::text END";

    private static string Key(SchemaName schema) => $"hashtextextended('dbos fluent claims ' || {schema.Literal}, 0)";
}
