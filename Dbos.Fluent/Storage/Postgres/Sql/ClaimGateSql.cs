namespace Dbos.Fluent.Storage.Postgres;

/// <summary>A lock that claims share, and whose release a change of a queue's limits or pause waits for.</summary>
/// <remarks>
/// A claim without a shared limit locks no queue. It may begin before a change and end after it, with the old limits. So a change waits
/// for such claims before it commits, and later claims see it. The lock belongs to the transaction: it costs no write, and works behind
/// poolers too.
/// </remarks>
internal static class ClaimGateSql
{
    /// <summary>An expression, as text, that enters the gate. Run it in an earlier statement: the claim's snapshot must be newer.</summary>
    public static string Enter(SchemaName schema) => $"(pg_advisory_xact_lock_shared({Key(schema)}) IS NULL)::text";

    /// <summary>The statement that enters the gate.</summary>
    public static string LetThrough(SchemaName schema) => $"SELECT {Enter(schema)}";

    /// <summary>The last statement of a change: waits for the running claims. If nothing was written, it does not wait.</summary>
    public static string AwaitClaims(SchemaName schema) =>
        $"SELECT CASE WHEN txid_current_if_assigned() IS NOT NULL THEN (pg_advisory_xact_lock({Key(schema)}) IS NULL)::text END";

    private static string Key(SchemaName schema) => $"hashtextextended('dbos fluent claims ' || {schema.Literal}, 0)";
}
