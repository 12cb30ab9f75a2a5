using System.Net.Sockets;
using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Classifies what PostgreSQL and its driver throw: unavailable, unsuitable tables, or a permanent refusal.</summary>
internal static class PostgresErrors
{
    private const string Store = "PostgreSQL";

    private const string StreamTable = "streams";

    // The routine in which the server says that a cached plan no longer fits its tables; its error code says only "not supported".
    private const string StalePlan = "RevalidateCachedQuery";

    /// <summary>The exception of the contract; null if the failure is not the store's and passes unchanged.</summary>
    public static DbosException? Translate(Exception failure) => failure switch
    {
        PostgresException refused when IsSchemaProblem(refused.SqlState) => Schema(refused),
        PostgresException refused => IsPassing(refused)
            ? Unavailable(refused)
            : null,
        NpgsqlException or SocketException or TimeoutException or IOException => new StoreUnavailableException(Store, failure)
        {
            TimedOut = failure is TimeoutException or { InnerException: TimeoutException },
        },
        _ => null,
    };

    /// <summary>True if another process was creating the same objects at the same moment: the next try finds them.</summary>
    public static bool IsMigrationRace(PostgresException refused) => refused.SqlState is
        PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject
        or PostgresErrorCodes.DuplicateColumn or PostgresErrorCodes.DuplicateSchema or PostgresErrorCodes.DuplicateFunction
        or PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.InternalError
        or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;

    private static bool IsSchemaProblem(string state) => state is
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidSchemaName
        or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.InvalidCatalogName;

    // Only what was sent can be refused permanently: its values, a constraint on them, their size, a trigger's or our own statement, or a
    // transaction of the caller's that had failed before. Everything else is transient: what a server or a pooler says when it ends a
    // connection, a standby that took over, timeouts, an internal error, lost races (also for a place in a stream), and a prepared
    // statement that a pooler lost or a migration made stale, which a new connection prepares again.
    private static bool IsPassing(PostgresException refused) =>
        refused.SqlState != PostgresErrorCodes.InFailedSqlTransaction
        && (refused.InvariantSeverity is "FATAL" or "PANIC"
            || refused.SqlState[..2] is "08" or "25" or "28" or "40" or "53" or "55" or "57" or "58" or "XX"
            || refused.Routine == StalePlan
            || refused is { SqlState: PostgresErrorCodes.UniqueViolation, TableName: StreamTable }
            || refused.SqlState == PostgresErrorCodes.InvalidSqlStatementName);

    private static StoreUnavailableException Unavailable(PostgresException refused) => refused.SqlState switch
    {
        PostgresErrorCodes.TooManyConnections => new StoreUnavailableException(
            Store,
            refused,
            "Raise the server's max_connections, or lower 'Maximum Pool Size' in the connection strings of all who use it."),
        PostgresErrorCodes.QueryCanceled => new StoreUnavailableException(Store, refused) { TimedOut = true },
        _ => new StoreUnavailableException(Store, refused),
    };

    private static StoreSchemaException Schema(PostgresException refused) => new(
        refused.SqlState switch
        {
            PostgresErrorCodes.InsufficientPrivilege =>
                $"The role may not do what was needed: {refused.MessageText}. Grant it the rights on the schema and its tables, "
                + $"or migrate with a role that may create them ({Needed}).",
            PostgresErrorCodes.InvalidCatalogName =>
                $"There is no such database: {refused.MessageText}. Create it, or correct the connection string; "
                + "a launch makes its tables.",
            _ => $"The tables are not as this version needs them: {refused.MessageText}. It needs {Needed}; "
                + "see dbos_migrations and fluent_migrations for what is there. Launch with migrations on, or migrate before.",
        },
        refused);

    private static string Needed =>
        $"level {SchemaLevel.DbosCurrent} of the DBOS tables and level {SchemaLevel.FluentCurrent} of the side tables";
}
