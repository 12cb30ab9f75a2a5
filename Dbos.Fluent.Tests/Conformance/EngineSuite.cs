namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// Tests of the engine as users see it, over one kind of store. Each test has an empty database and ends with every engine stopped.
/// </summary>
public abstract class EngineSuite(IDatabaseFixture fixture) : IAsyncLifetime
{
    /// <summary>
    /// The executor id of engines that do not choose another, so that a relaunch takes up its predecessor's work at once.
    /// </summary>
    protected const string Executor = "executor-1";

    /// <summary>The event of a run that failed in the engine itself, which no workflow's code can bring about.</summary>
    private const int RunCrashed = 1106;

    private readonly System.Collections.Concurrent.ConcurrentQueue<WorkflowEngine> engines = new();
    private readonly System.Collections.Concurrent.ConcurrentQueue<ManualTimeProvider> clocks = new();

    protected TestDatabase Database { get; private set; } = null!;

    protected ManualLogger Log { get; } = new();

    /// <summary>True where a test makes the store refuse what it must not, so that runs end in the engine itself.</summary>
    protected virtual bool RunsMayCrash => false;

    /// <summary>True where a test takes the database away, or alters it, so that an engine cannot leave its work as a stop does.</summary>
    protected virtual bool LeavesWork => false;

    /// <summary>False where a test alters the tables, counts connections, or leaves something behind that may still write.</summary>
    protected virtual bool SharesDatabases => true;

    /// <summary>True where a test looks at how a database is migrated.</summary>
    protected virtual bool StartsEmpty => false;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => Database =
        await (StartsEmpty ? fixture.CreateAsync() : SharesDatabases ? fixture.CreateMigratedAsync() : fixture.CreateCopyAsync());

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var engine in engines)
        {
            await engine.StopAsync(TimeSpan.Zero).Within(Bounded.Limit);
        }

        await Eventually.TrueAsync(
            () => clocks.All(clock => clock.TimersPending == 0), Bounded.Limit, "no timer is left when every engine has stopped");
        await Eventually.TrueAsync(
            () => engines.All(engine => WaitsOf(engine) == 0), Bounded.Limit, "nothing is waited for when every engine has stopped");
        var left = LeavesWork ? [] : await LeftBehindAsync();
        await Database.DisposeAsync();
        GC.SuppressFinalize(this);
        Assert.Empty(left);
        if (!RunsMayCrash)
        {
            Assert.DoesNotContain(Log.Entries, entry => entry.Id == RunCrashed);
        }
    }

    private static int WaitsOf(WorkflowEngine engine)
    {
        var wakeups = engine.Core.Wakeups;
        return wakeups.Inboxes.Count + wakeups.Events.Count + wakeups.Streams.Count + wakeups.Outcomes.Count;
    }

    // A stop hands on all that the engine ran. What a test has made look lost itself is nobody's.
    private async Task<List<string?[]>> LeftBehindAsync()
    {
        var executors = string.Join(", ", engines.Select(engine => $"'{engine.ExecutorId.Replace("'", "''", StringComparison.Ordinal)}'"));
        return executors.Length == 0 ? [] : await Database.QueryAsync(
            "SELECT workflow_uuid, name, executor_id, owner_xid FROM workflow_status "
            + $"WHERE status = 'PENDING' AND owner_xid <> 'lost' AND executor_id IN ({executors})");
    }

    /// <summary>Launches an engine with these workflows.</summary>
    protected Task<WorkflowEngine> LaunchAsync(params WorkflowDefinition[] definitions) => LaunchAsync(_ => { }, definitions);

    /// <summary>Launches an engine with these workflows and options of the test's own.</summary>
    protected async Task<WorkflowEngine> LaunchAsync(Action<EngineOptions> configure, params WorkflowDefinition[] definitions)
    {
        var engine = await WorkflowEngine.LaunchAsync(
            options =>
            {
                Database.Use(options);
                options.ApplicationName = "tests";
                options.ApplicationVersion = "v1";
                options.ExecutorId = Executor;
                options.LoggerFactory = Log;
                options.Add(definitions);
                configure(options);
                if (options.TimeProvider is ManualTimeProvider clock)
                {
                    clocks.Enqueue(clock);
                }
            },
            Cancel).Within(Bounded.Limit);
        engines.Enqueue(engine);
        return engine;
    }

    /// <summary>Stops an engine at once, as a crash would but for the lease, and launches one with the same executor id.</summary>
    protected async Task<WorkflowEngine> RelaunchAsync(WorkflowEngine engine, params WorkflowDefinition[] definitions)
    {
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        return await LaunchAsync(definitions);
    }

    /// <summary>Makes finished workflows look as if their process had died before they ended, and lets a new engine take them up.</summary>
    protected async Task<WorkflowEngine> FlipAndRelaunchAsync(
        WorkflowEngine engine, IEnumerable<string> ids, params WorkflowDefinition[] definitions)
    {
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        foreach (var id in ids)
        {
            await Database.FlipAsync(id);
        }

        return await LaunchAsync(definitions);
    }

    /// <summary>Waits until a workflow is in a state.</summary>
    protected static Task StateAsync(WorkflowClient client, string id, WorkflowState state) => Eventually.TrueAsync(
        async () => (await client.GetStatusAsync(id, Cancel))?.State == state, Bounded.Limit, $"{id} is {state}");

    /// <summary>
    /// Returns when the queue <c>free</c> has had something claimed and run, later than whatever the engine may have claimed before.
    /// </summary>
    protected static async Task HadTimeAsync(WorkflowEngine engine, WorkflowDefinition<int, int> quick) =>
        Assert.Equal(9, await (await engine.StartAsync(quick, 9, new() { Queue = "free" }, Cancel)).ResultAsync());

    protected Task<long> CheckpointCountAsync(string id) =>
        Database.CountAsync($"SELECT count(*) FROM operation_outputs WHERE workflow_uuid = '{id}'");
}
