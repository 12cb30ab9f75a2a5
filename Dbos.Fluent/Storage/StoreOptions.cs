using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Storage;

/// <summary>What every kind of store is opened with.</summary>
internal sealed record StoreOptions
{
    /// <summary>
    /// The clock of workflow time. With <see cref="TimeProvider.System"/> PostgreSQL uses the database's own clock; any other provider is
    /// virtual time, and every statement takes "now" from it as a parameter. SQLite has no clock of its own and always takes it from here.
    /// Leases never use it.
    /// </summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public required ILogger Logger { get; init; }

    /// <summary>LISTEN/NOTIFY on PostgreSQL; false behind connection poolers.</summary>
    public bool Notifications { get; init; } = true;

    /// <summary>False where a client found tables of another SDK and none of ours; only PostgreSQL is opened then.</summary>
    public bool HasSideTables { get; init; } = true;

    /// <summary>Polling interval, where the user set one.</summary>
    public TimeSpan? PollInterval { get; init; }

    /// <summary>After this time a statement is given up and reported as <see cref="StoreUnavailableException"/>; 30 s.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
