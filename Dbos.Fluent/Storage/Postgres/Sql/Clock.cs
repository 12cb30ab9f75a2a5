namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The two clocks of statements.</summary>
internal static class Clock
{
    /// <summary>Workflow time in epoch milliseconds: <c>$1</c> where a time provider supplies it, else the database's clock.</summary>
    public const string Now = "COALESCE($1::bigint, (EXTRACT(epoch FROM now()) * 1000)::bigint)";

    /// <summary>As <see cref="Now"/>, but at the moment it is asked for, which may be long after the transaction began.</summary>
    public const string Moment = "COALESCE($1::bigint, (EXTRACT(epoch FROM clock_timestamp()) * 1000)::bigint)";

    /// <summary>The database's own clock in epoch milliseconds, at the start of the transaction; what leases are made of.</summary>
    public const string Database = "(EXTRACT(epoch FROM now()) * 1000)::bigint";

    // The end of the calendar. LEAST would give it where there is no length at all.
    private const string Longest = "253402300799999";

    /// <summary>
    /// A length of time that others may have written, no longer than any moment is away: a sum with it would not fit its number.
    /// </summary>
    public static string Bounded(string length) => $"CASE WHEN {length} > {Longest} THEN {Longest} ELSE {length} END";
}
