namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Counts in a database, for assertions that rely on nothing the engine says.</summary>
internal static class DatabaseCounts
{
    /// <summary>How many workflows there are of which this holds.</summary>
    public static Task<long> WorkflowsAsync(this TestDatabase database, string where = "1 = 1") =>
        database.CountAsync("SELECT count(*) FROM workflow_status WHERE " + where);

    /// <summary>How many workflows have succeeded on their first run, or after so many.</summary>
    public static Task<long> SucceededAsync(this TestDatabase database, int attempts = 1) =>
        database.WorkflowsAsync($"status = 'SUCCESS' AND recovery_attempts = {attempts}");

    /// <summary>How many workflows have not succeeded.</summary>
    public static Task<long> UnfinishedAsync(this TestDatabase database) => database.WorkflowsAsync("status <> 'SUCCESS'");

    /// <summary>The column of <c>fluent_executors</c> that says when a lease ends, on the clock of leases in milliseconds.</summary>
    public static string LeaseColumn(this TestDatabase database) =>
        database is SqliteTestDatabase ? "lease_expires_at" : "expires_at_ms";

    /// <summary>For how many milliseconds every lease has been over; negative while one lives.</summary>
    /// <remarks>Tests and database share a machine and so a clock.</remarks>
    public static async Task<long> LeasesEndedForAsync(this TestDatabase database)
    {
        var last = await database.CountAsync($"SELECT max({database.LeaseColumn()}) FROM fluent_executors");
        return DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - last;
    }

    /// <summary>How many milliseconds ago any workflow's row last moved; 0 while there is none.</summary>
    public static async Task<long> UnmovedForAsync(this TestDatabase database)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        return now - await database.CountAsync($"SELECT COALESCE(max(updated_at), {now}) FROM workflow_status");
    }
}
