namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>How connections are set up, and how transactions begin and end.</summary>
internal static class TransactionSql
{
    /// <summary>
    /// Every commit is on the disk before it is acknowledged. The log is folded into the file each 16 MiB (4,000 pages), as that halves
    /// what is written twice; the cache is given in KiB, what stays of a log that grew large in bytes.
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

    /// <summary>The write lock is taken at once: a transaction that reads first and locks later can fail in its middle.</summary>
    public const string BeginWriting = "BEGIN IMMEDIATE";

    /// <summary>One snapshot for all that a job reads.</summary>
    public const string BeginReading = "BEGIN";

    public const string Commit = "COMMIT";

    public const string RollBack = "ROLLBACK";

    /// <summary>A part of a transaction that can be taken back alone; names of the caller's own are others.</summary>
    public const string SetSavepoint = "SAVEPOINT dbos_fluent_part";

    /// <summary>Takes the write lock of a transaction that has none, and changes nothing.</summary>
    // As the first statement it leaves no snapshot behind where another has the lock; one that had read by then could never write.
    public const string TakeWriteLock = "DELETE FROM notifications WHERE 0";

    public const string RollBackToSavepoint = "ROLLBACK TO dbos_fluent_part";

    public const string ReleaseSavepoint = "RELEASE dbos_fluent_part";

    /// <summary>Changes when another connection commits, never for this connection's own commits.</summary>
    public const string ReadDataVersion = "PRAGMA data_version";
}
