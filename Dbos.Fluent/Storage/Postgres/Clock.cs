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
}
