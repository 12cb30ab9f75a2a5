namespace Dbos.Fluent.Tests.Crash;

/// <summary>Tests in which three processes serve queues, and one that is killed is replaced at once by another.</summary>
public abstract class ServingSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    // Thousands of workflows leave the tables too large for the tests that follow.
    protected override bool SharesDatabases => false;

    private protected const int Servers = 3;

    private readonly List<(ChildProcess Process, string Executor)> serving = [];
    private int started;

    /// <summary>The executors of the processes that were killed, in the order in which they were.</summary>
    private protected List<string> Killed { get; } = [];

    /// <summary>For how many milliseconds a process counts as alive that is heard of no more.</summary>
    private protected virtual int Lease => 15_000;

    /// <summary>After how many milliseconds a wait leaves memory.</summary>
    // As good as never, as what has left it goes on whatever the limits of its worker are.
    private protected virtual int UnloadAfter => 600_000;

    /// <summary>Launches the engine of this process, which fills the queues and serves none.</summary>
    private protected Task<WorkflowEngine> LaunchEnqueuerAsync(params WorkflowQueue[] queues) => LaunchSuccessorAsync(options =>
    {
        options.Add(queues);
        options.ListenTo = [];
    });

    /// <summary>Starts the processes, and waits until each of them serves.</summary>
    private protected async Task ServeAsync()
    {
        for (var number = 0; number < Servers; number++)
        {
            serving.Add(StartServer());
        }

        for (var number = 0; number < Servers; number++)
        {
            await ServesAsync(number);
        }
    }

    /// <summary>The executor of the process.</summary>
    private protected string ExecutorOf(int number) => serving[number].Executor;

    /// <summary>Kills a process, and starts another in its place.</summary>
    private protected async Task KillAsync(int number)
    {
        var (process, executor) = serving[number];
        await process.KillAsync();
        Killed.Add(executor);
        serving[number] = StartServer();
    }

    /// <summary>Waits until the process serves.</summary>
    private protected Task ServesAsync(int number) => serving[number].Process.ReachedAsync("launched");

    /// <summary>Whether the process serves already.</summary>
    private protected bool Serves(int number) => serving[number].Process.HasReached("launched");

    private (ChildProcess Process, string Executor) StartServer()
    {
        var executor = $"server-{++started}";
        var process = StartWorker(
            "serve", [], ("executor", executor), ("lease", $"{Lease}"), ("unload", $"{UnloadAfter}"), ("quick", "yes"));
        return (process, executor);
    }
}
