using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>A DBOS system database in PostgreSQL.</summary>
internal sealed class PostgresStore : IStore
{
    // Enough to keep the server's commits overlapping; more lanes would only split what one lane writes together.
    private const int Lanes = 2;
    private static readonly TimeSpan CoveringPoll = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PollWithoutNotifications = TimeSpan.FromSeconds(1);

    private readonly NpgsqlDataSource dataSource;
    private readonly bool ownsDataSource;
    private readonly PostgresCommitStore commits;
    private readonly PostgresClaimStore claims;
    private readonly PostgresExecutorStore executors;
    private readonly PostgresLanes watch;
    private readonly PostgresLanes looks;

    /// <param name="dataSource">
    /// The source of connections: two for the lanes, three for claims, one for constant reads, one for what is awaited, two for the lease,
    /// the listener, and calls in parallel.
    /// </param>
    /// <param name="ownsDataSource">True to dispose it with the store.</param>
    /// <param name="schema">The schema of the tables, as users write it: unquoted.</param>
    /// <param name="options">What every kind of store is opened with.</param>
    public PostgresStore(NpgsqlDataSource dataSource, bool ownsDataSource, string schema, StoreOptions options)
    {
        (this.dataSource, this.ownsDataSource) = (dataSource, ownsDataSource);
        var database = new PostgresDatabase(dataSource, new SchemaName(schema) { HasSideTables = options.HasSideTables }, options);
        Capabilities = new StoreCapabilities(
            Lanes, options.Notifications, options.PollInterval ?? (options.Notifications ? CoveringPoll : PollWithoutNotifications));
        commits = new PostgresCommitStore(database, Lanes);

        // Statements that an idle engine repeats: a connection from the pool would be reset each time, which doubles the statements.
        watch = new PostgresLanes(database, 1, PostgresLanes.ReadCommitted) { KeepsPlans = false, Overflows = true };

        // A waiter first looks, and is then told by others. Looks and announcements take a third of the time on a connection that has
        // prepared the statement. Looks that find it busy use the pool. An announcement is a commit too, but need not reach the disk.
        looks = new PostgresLanes(database, 1, PostgresLanes.PlanByKey + "; SET synchronous_commit = off") { Overflows = true };
        Schema = new PostgresSchemaStore(database);
        claims = new PostgresClaimStore(database);
        Workflows = new PostgresWorkflowStore(database, looks);
        Lists = new PostgresListStore(database);
        Management = new PostgresManagementStore(database);
        Messaging = new PostgresMessagingStore(database, looks);
        Queues = new PostgresQueueStore(database, watch);
        Schedules = new PostgresScheduleStore(database, watch);
        Outbox = new PostgresOutboxStore(database);
        executors = new PostgresExecutorStore(database, watch);
        Versions = new PostgresVersionStore(database);
        Signals = new PostgresSignalStore(database, looks, Capabilities.PollInterval, [commits.Lanes, looks]);
    }

    public StoreCapabilities Capabilities { get; }

    public ISchemaStore Schema { get; }

    public ICommitStore Commits => commits;

    public IClaimStore Claims => claims;

    public IWorkflowStore Workflows { get; }

    public IListStore Lists { get; }

    public IManagementStore Management { get; }

    public IExecutorStore Executors => executors;

    public IMessagingStore Messaging { get; }

    public IQueueStore Queues { get; }

    public IScheduleStore Schedules { get; }

    public IOutboxStore Outbox { get; }

    public ISignalStore Signals { get; }

    public IVersionStore Versions { get; }

    public async ValueTask DisposeAsync()
    {
        await commits.DisposeAsync().ConfigureAwait(false);
        await claims.DisposeAsync().ConfigureAwait(false);
        await executors.DisposeAsync().ConfigureAwait(false);
        await watch.DisposeAsync().ConfigureAwait(false);
        await looks.DisposeAsync().ConfigureAwait(false);
        if (ownsDataSource)
        {
            await dataSource.DisposeAsync().ConfigureAwait(false);
        }
    }
}
