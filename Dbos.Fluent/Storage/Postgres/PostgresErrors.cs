using System.Net.Sockets;
using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Sorts what PostgreSQL and its driver throw: unavailable, tables that are not as needed, or a refusal for good.</summary>
internal static class PostgresErrors
{
    private const string Store = "PostgreSQL";

    private const string StreamTable = "streams";

    // Where the server says that a cached plan no longer fits its tables; the code it gives says only that something is not supported.
    private const string StalePlan = "RevalidateCachedQuery";

    /// <summary>The exception of the contract, or null where the failure is none of the store's and passes as it is.</summary>
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

    /// <summary>True where another process was making the same objects at the same moment: to try again is to find them made.</summary>
    public static bool IsMigrationRace(PostgresException refused) => refused.SqlState is
        PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject
        or PostgresErrorCodes.DuplicateColumn or PostgresErrorCodes.DuplicateSchema or PostgresErrorCodes.DuplicateFunction
        or PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.InternalError
        or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;

    private static bool IsSchemaProblem(string state) => state is
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidSchemaName
        or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.InvalidCatalogName;

    // Only what was sent can be refused for good: its values, a constraint on them, their size, or a trigger's or our own statement; and
    // a transaction of the caller's that had failed before. All else passes: what a server or a pooler says when it ends a connection, a
    // standby that took over, timeouts, an internal error, lost races (also that for a place in a stream), and a prepared statement that a
    // pooler lost or that a migration made stale, which a new connection prepares again.
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
