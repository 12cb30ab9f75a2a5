namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The clocks that statements use.</summary>
internal static class Clock
{
    /// <summary>Workflow time in epoch milliseconds: <c>$1</c> if a time provider supplies it, otherwise the database's clock.</summary>
    public const string Now = "COALESCE($1::bigint, (EXTRACT(epoch FROM now()) * 1000)::bigint)";

    /// <summary>As <see cref="Now"/>, but at the moment it is evaluated, which may be long after the transaction began.</summary>
    public const string Moment = "COALESCE($1::bigint, (EXTRACT(epoch FROM clock_timestamp()) * 1000)::bigint)";

    /// <summary>The database's own clock in epoch milliseconds, at the start of the transaction; leases use it.</summary>
    public const string Database = "(EXTRACT(epoch FROM now()) * 1000)::bigint";

    // The end of the calendar. LEAST would return it for a null length.
    private const string Longest = "253402300799999";

    /// <summary>
    /// A length of time that others may have written, cut to the length of the calendar: a sum with a longer one would overflow.
    /// </summary>
    public static string Bounded(string length) => $"CASE WHEN {length} > {Longest} THEN {Longest} ELSE {length} END";
}
