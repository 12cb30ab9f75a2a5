namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>How connections are set up, and how transactions begin and end.</summary>
internal static class TransactionSql
{
    /// <summary>
    /// Every commit is on disk before it is acknowledged. The log is folded into the file every 16 MiB (4,000 pages), as that halves the
    /// amount that is written twice. The cache size is in KiB; the size that a large log keeps is in bytes.
    /// </summary>
    public const string SetUpWriter = """
        PRAGMA journal_mode = wal;
        PRAGMA synchronous = full;
        PRAGMA foreign_keys = ON;
        PRAGMA temp_store = memory;
        PRAGMA cache_size = -16384;
        PRAGMA wal_autocheckpoint = 4000;
        PRAGMA journal_size_limit = 67108864;
        """;

    public const string SetUpReader = """
        PRAGMA query_only = ON;
        PRAGMA temp_store = memory;
        """;

    /// <summary>Takes the write lock at once: a transaction that reads first and locks later can fail halfway.</summary>
    public const string BeginWriting = "BEGIN IMMEDIATE";

    /// <summary>One snapshot for all reads of a job.</summary>
    public const string BeginReading = "BEGIN";

    public const string Commit = "COMMIT";

    public const string RollBack = "ROLLBACK";

    /// <summary>A part of a transaction that can be rolled back alone; the caller's own savepoints have other names.</summary>
    public const string SetSavepoint = "SAVEPOINT dbos_fluent_part";

    /// <summary>Takes the write lock of a transaction that does not have it, and changes nothing.</summary>
    // As the first statement it leaves no snapshot if another connection has the lock. One that has read by then could never write.
    public const string TakeWriteLock = "DELETE FROM notifications WHERE 0";

    public const string RollBackToSavepoint = "ROLLBACK TO dbos_fluent_part";

    public const string ReleaseSavepoint = "RELEASE dbos_fluent_part";

    /// <summary>Changes when another connection commits, never at this connection's own commits.</summary>
    public const string ReadDataVersion = "PRAGMA data_version";
}
