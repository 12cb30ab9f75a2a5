namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>The DBOS system database in a SQLite file that several processes of one host may share.</summary>
internal sealed class SqliteStore : IStore
{
    private static readonly TimeSpan DefaultPollInterval = TimeSpan.FromMilliseconds(200);

    // A file has one write lock, so more than one writer would only wait for each other.
    private static readonly SqliteThreadRole Writer =
        new("Dbos.Fluent SQLite writer", Count: 1, TransactionSql.SetUpWriter, TransactionSql.BeginWriting);

    private static readonly SqliteThreadRole Readers =
        new("Dbos.Fluent SQLite reader", Count: 2, TransactionSql.SetUpReader, TransactionSql.BeginReading);

    private readonly SqliteThreads writer;
    private readonly SqliteThreads readers;

    /// <summary>Creates a store; the file is opened at its first use.</summary>
    /// <param name="path">The file. Its directory must exist; <see cref="ISchemaStore.MigrateAsync"/> creates the file itself.</param>
    /// <param name="options">Clock, polling and limits.</param>
    public SqliteStore(string path, StoreOptions options)
    {
        // A later change of the working directory must not lead to another file.
        var file = Path.GetFullPath(path);
        writer = new SqliteThreads(Writer, file, options.CommandTimeout);
        readers = new SqliteThreads(Readers, file, options.CommandTimeout);
        Capabilities = new StoreCapabilities(Lanes: 1, PushesSignals: false, options.PollInterval ?? DefaultPollInterval);
        Schema = new SqliteSchemaStore(writer, readers, file, options.Time);
        Commits = new SqliteCommitStore(writer, options.Time);
        Claims = new SqliteClaimStore(writer, readers, options.Time);
        Workflows = new SqliteWorkflowStore(writer, readers, options.Time);
        Lists = new SqliteListStore(readers);
        Management = new SqliteManagementStore(writer, readers, options.Time);
        Executors = new SqliteExecutorStore(writer, readers, options.Time);
        Messaging = new SqliteMessagingStore(readers);
        Queues = new SqliteQueueStore(writer, readers, options.Time);
        Schedules = new SqliteScheduleStore(writer, readers, options.Time);
        Outbox = new SqliteOutboxStore(file, options);
        Versions = new SqliteVersionStore(writer, readers, options.Time);
        Signals = new SqliteSignalStore(writer, Capabilities.PollInterval);
    }

    public StoreCapabilities Capabilities { get; }

    public ISchemaStore Schema { get; }

    public ICommitStore Commits { get; }

    public IClaimStore Claims { get; }

    public IWorkflowStore Workflows { get; }

    public IListStore Lists { get; }

    public IManagementStore Management { get; }

    public IExecutorStore Executors { get; }

    public IMessagingStore Messaging { get; }

    public IQueueStore Queues { get; }

    public IScheduleStore Schedules { get; }

    public IOutboxStore Outbox { get; }

    public ISignalStore Signals { get; }

    public IVersionStore Versions { get; }

    /// <summary>
    /// Ends the threads and closes the file. The writer closes last, as the last connection to close folds the log into the file.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await readers.DisposeAsync().ConfigureAwait(false);
        await writer.DisposeAsync().ConfigureAwait(false);
    }
}
