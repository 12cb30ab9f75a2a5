using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Dbos.Fluent.Tests.Worker;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>
/// A real process that runs one scenario of <c>Dbos.Fluent.Tests.Worker</c>, to be killed or stopped at a point that it reports.
/// </summary>
/// <remarks>
/// It never outlives the test: disposal kills it, and if the test host itself is killed, the worker's standard input closes and it exits.
/// </remarks>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<string>> points = new();
    private readonly ConcurrentQueue<string> lines = new();
    private readonly Task reading;
    private readonly Task<string> errors;
    private Process? guard;

    private ChildProcess(Process process)
    {
        this.process = process;
        reading = ReadAsync();
        errors = process.StandardError.ReadToEndAsync();
    }

    public int Id => process.Id;

    /// <summary>Everything it printed so far, and for a failure message also what it wrote to standard error.</summary>
    public string Output => string.Join('\n', lines) + (errors.IsCompletedSuccessfully ? "\n" + errors.Result : "");

    /// <summary>Starts a worker.</summary>
    /// <param name="scenario">The scenario's name.</param>
    /// <param name="hold">Points at which it stands still until <see cref="GoOnAsync"/>.</param>
    /// <param name="settings">What the scenario needs to know, such as a connection string.</param>
    public static ChildProcess Start(
        string scenario, IEnumerable<string>? hold = null, IReadOnlyDictionary<string, string>? settings = null)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(typeof(WorkerProgram).Assembly.Location);
        foreach (var argument in WorkerArguments.Render(scenario, hold ?? [], settings ?? new Dictionary<string, string>()))
        {
            start.ArgumentList.Add(argument);
        }

        return new ChildProcess(Process.Start(start) ?? throw new InvalidOperationException("The worker did not start."));
    }

    /// <summary>Waits until it reports the point, and gives the text it reported with it.</summary>
    public async Task<string> ReachedAsync(string point)
    {
        var reached = Point(point).Task;
        await Task.WhenAny(reached, EndedAsync()).Within(Bounded.Limit, $"the worker reaches '{point}'");

        // One that ended right after the point may be seen to have ended first.
        return reached.IsCompleted ? await reached : throw new InvalidOperationException($"The worker ended before '{point}':\n{Output}");
    }

    /// <summary>Whether it has reported the point.</summary>
    public bool HasReached(string point) => Point(point).Task.IsCompleted;

    /// <summary>Lets it go on from a point at which it is held.</summary>
    public async Task GoOnAsync(string point)
    {
        await process.StandardInput.WriteLineAsync(WorkerArguments.GoOn + point);
        await process.StandardInput.FlushAsync();
    }

    /// <summary>Kills it with SIGKILL: no handler, no <c>finally</c>, no flush.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync().Within(Bounded.Limit);
    }

    /// <summary>Freezes it with SIGSTOP, as a paused virtual machine would be.</summary>
    public async Task PauseAsync()
    {
        // A frozen process cannot see its input close, so a guard ends it if this process dies meanwhile.
        guard ??= Shell("cat >/dev/null; kill -KILL $1 2>/dev/null", Id);
        await SignalAsync("STOP");
    }

    /// <summary>Wakes it up again with SIGCONT.</summary>
    public Task ContinueAsync() => SignalAsync("CONT");

    /// <summary>Waits until it ends by itself, and gives its exit code.</summary>
    public async Task<int> ExitAsync()
    {
        await EndedAsync().Within(Bounded.Limit, "the worker exits");
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        // The guard goes first: once the worker is gone, its id may soon be another process's.
        if (guard is not null)
        {
            guard.Kill();
            await guard.WaitForExitAsync();
            guard.Dispose();
        }

        if (!process.HasExited)
        {
            process.Kill();
        }

        await EndedAsync();
        process.Dispose();
    }

    private static Process Shell(string script, int processId)
    {
        var start = new ProcessStartInfo("sh") { RedirectStandardInput = true };
        string[] arguments = ["-c", script, "sh", processId.ToString(CultureInfo.InvariantCulture)];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException("No shell to send a signal with.");
    }

    private async Task SignalAsync(string signal)
    {
        using var shell = Shell($"kill -{signal} $1", Id);
        await shell.WaitForExitAsync().Within(Bounded.Limit);
        Assert.Equal(0, shell.ExitCode);
    }

    private async Task EndedAsync()
    {
        await process.WaitForExitAsync();
        await Task.WhenAll(reading, errors);
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            lines.Enqueue(line);
            if (line.StartsWith(WorkerArguments.Reached, StringComparison.Ordinal))
            {
                var report = line[WorkerArguments.Reached.Length..].Split('=', 2);
                Point(report[0]).TrySetResult(report.Length > 1 ? report[1] : "");
            }
        }
    }

    private TaskCompletionSource<string> Point(string name) =>
        points.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
