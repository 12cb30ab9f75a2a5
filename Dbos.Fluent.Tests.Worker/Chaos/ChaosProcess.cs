using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>One of the processes of a chaos run, to be killed and paused. It never outlives the run.</summary>
internal sealed class ChaosProcess : IAsyncDisposable
{
    private static readonly TimeSpan SignalLimit = TimeSpan.FromSeconds(30);
    private const int LinesKept = 200;
    private const string ClockJumped = WorkerArguments.Reached + ChaosEngine.ClockJumped;

    private readonly Process process;
    private readonly Process guard;
    private readonly ConcurrentQueue<string> lines = new();
    private readonly Task reading;
    private readonly Task<string> errors;

    private ChaosProcess(Process process)
    {
        this.process = process;

        // A frozen process cannot see its input close, so a guard ends it if the one that started both dies meanwhile.
        guard = Start("sh", "-c", "cat >/dev/null; kill -KILL $1 2>/dev/null", "sh", Id);
        reading = ReadAsync();
        errors = process.StandardError.ReadToEndAsync();
    }

    private string Id => process.Id.ToString(CultureInfo.InvariantCulture);

    /// <summary>True once it has ended, by itself or killed.</summary>
    public bool HasEnded => process.HasExited;

    /// <summary>True once its engine runs.</summary>
    public bool HasLaunched { get; private set; }

    /// <summary>True once it has started all that is its to start.</summary>
    public bool HasStartedAll { get; private set; }

    /// <summary>How often its clock has jumped while its engine ran.</summary>
    public int ClockJumps { get; private set; }

    /// <summary>The last it said, for the report of a run that failed.</summary>
    public string Output => string.Join('\n', lines) + (errors.IsCompletedSuccessfully ? "\n" + errors.Result : "");

    /// <summary>Starts a worker in the scenario <c>chaos</c>.</summary>
    public static ChaosProcess Start(IReadOnlyDictionary<string, string> settings) => new(Start(
        "dotnet",
        ["exec", typeof(WorkerProgram).Assembly.Location, .. WorkerArguments.Render("chaos", ["end"], settings)]));

    /// <summary>Kills it with SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync().WaitAsync(SignalLimit);
    }

    /// <summary>Freezes it with SIGSTOP.</summary>
    public Task PauseAsync() => SignalAsync("STOP");

    /// <summary>Wakes it up with SIGCONT.</summary>
    public Task ContinueAsync() => SignalAsync("CONT");

    public async ValueTask DisposeAsync()
    {
        // The guard goes first: once the process is gone, its id may soon be another one's.
        guard.Kill();
        await guard.WaitForExitAsync();
        guard.Dispose();
        if (!process.HasExited)
        {
            process.Kill();
        }

        await process.WaitForExitAsync();
        await Task.WhenAll(reading, errors);
        process.Dispose();
    }

    private static Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // It does not live long enough for this to pay, and should be there soon.
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
    }

    private async Task SignalAsync(string signal)
    {
        using var shell = Start("sh", "-c", "kill -" + signal + " $1", "sh", Id);
        await shell.WaitForExitAsync().WaitAsync(SignalLimit);
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            HasLaunched |= line.StartsWith(WorkerArguments.Reached + "launched", StringComparison.Ordinal);
            ClockJumps += HasLaunched && line.StartsWith(ClockJumped, StringComparison.Ordinal) ? 1 : 0;
            HasStartedAll |= line == WorkerArguments.Reached + "started";
            lines.Enqueue(line);
            while (lines.Count > LinesKept)
            {
                lines.TryDequeue(out _);
            }
        }
    }
}
