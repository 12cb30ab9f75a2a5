using System.Globalization;
using Dbos.Fluent.Tests.Worker.Faults;
using Dbos.Fluent.Tests.Worker.Workflows;

namespace Dbos.Fluent.Tests.Worker;

/// <summary>Launches the engine of a worker on the database that its settings name.</summary>
internal static class WorkerEngine
{
    public const string ApplicationName = "tests";
    public const string ApplicationVersion = "v1";

    public static Task<WorkflowEngine> LaunchAsync(WorkerContext worker, CrashWorkflows workflows) =>
        LaunchAsync(worker, workflows.All);

    public static Task<WorkflowEngine> LaunchAsync(WorkerContext worker, params WorkflowDefinition[] workflows) =>
        WorkflowEngine.LaunchAsync(options => Configure(options, worker, workflows));

    private static void Configure(EngineOptions options, WorkerContext worker, WorkflowDefinition[] workflows)
    {
        Use(worker.Settings, options);
        options.ApplicationName = ApplicationName;
        options.ApplicationVersion = ApplicationVersion;
        options.WrapStore = store => new FaultingStore(store, new PointFaults(worker.Points));
        options.LoggerFactory = new PointLogger(worker.Points);
        options.ExecutorId = worker.Settings.GetValueOrDefault("executor");
        if (worker.Settings.ContainsKey("lease"))
        {
            options.Lease = TimeSpan.FromMilliseconds(worker.Number("lease"));
        }

        if (worker.Settings.ContainsKey("unload"))
        {
            options.UnloadAfter = TimeSpan.FromMilliseconds(worker.Number("unload"));
        }

        options.Add(workflows);
    }

    /// <summary>The version of an engine that is given this one, and of what it runs.</summary>
    public static async Task<string> VersionAsync(WorkerContext worker, string? version, string id)
    {
        var workflow = Workflow.Define<int, int>("echo").Return(x => x.Input);
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            Use(worker.Settings, options);
            options.ApplicationName = ApplicationName;
            options.ApplicationVersion = version;
            options.Add(workflow);
        });
        var handle = await engine.StartAsync(workflow, 1, new() { Id = id });
        await handle.GetResultAsync();
        return $"{engine.ApplicationVersion}, {(await handle.GetStatusAsync()).ApplicationVersion}";
    }

    private static void Use(IReadOnlyDictionary<string, string> settings, EngineOptions options)
    {
        if (settings.TryGetValue("sqlite", out var path))
        {
            options.UseSqlite(path);
            return;
        }

        options.UsePostgres(settings["postgres"]);
        options.Notifications = string.Equals(settings["notifications"], bool.TrueString, StringComparison.OrdinalIgnoreCase);
        options.PollInterval = settings.TryGetValue("poll", out var poll)
            ? TimeSpan.FromMilliseconds(int.Parse(poll, CultureInfo.InvariantCulture))
            : null;
    }
}
