using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Storage;

/// <summary>The options of every kind of store.</summary>
internal sealed record StoreOptions
{
    /// <summary>
    /// The clock of workflow time. With <see cref="TimeProvider.System"/> PostgreSQL uses the database's own clock. Any other provider is
    /// virtual time, and every statement takes "now" from it as a parameter. SQLite has no clock of its own and always uses this one.
    /// Leases never use it.
    /// </summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public required ILogger Logger { get; init; }

    /// <summary>LISTEN/NOTIFY on PostgreSQL; false behind connection poolers.</summary>
    public bool Notifications { get; init; } = true;

    /// <summary>False if a client found tables of another SDK and none of ours; only PostgreSQL is opened then.</summary>
    public bool HasSideTables { get; init; } = true;

    /// <summary>Polling interval, if the user set one.</summary>
    public TimeSpan? PollInterval { get; init; }

    /// <summary>A statement that takes longer is given up and reported as <see cref="StoreUnavailableException"/>; 30 s.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
