using System.Diagnostics;

namespace Dbos.Fluent.Benchmarks;

/// <summary>A process that leaves unfinished workflows behind: it runs them to their last step, says so, and waits to be killed.</summary>
internal static class FillProcess
{
    public static async Task<int> RunAsync(Arguments run)
    {
        var (n, steps) = (run.Number("n", 1), run.Number("steps", 5));
        var reached = 0;
        StepWorkflows.AtTheEnd = async token =>
        {
            if (Interlocked.Increment(ref reached) == n)
            {
                Console.WriteLine("READY");
            }

            await Task.Delay(Timeout.Infinite, token);
        };
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.Lease = TimeSpan.FromSeconds(run.Number("lease", 15));
            options.Add(StepWorkflows.Held);
        });
        await Task.WhenAll(
            Enumerable.Range(0, n).Select(i => engine.StartAsync(StepWorkflows.Held, steps, new() { Id = $"{run.Values["prefix"]}{i}" })));
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    /// <summary>
    /// Starts one with a lease of so many seconds and waits until everything stands at its last step; gives it with the prefix of the
    /// workflows' ids.
    /// </summary>
    public static async Task<(Process Process, string Prefix)> FillAsync(Arguments run, int n, int steps, int lease)
    {
        var prefix = $"{Guid.NewGuid():N}-";
        var process = Start(["fill", .. run.Database, $"n={n}", $"steps={steps}", $"prefix={prefix}", $"lease={lease}"]);
        if (await process.StandardOutput.ReadLineAsync() == "READY")
        {
            return (process, prefix);
        }

        process.Kill();
        process.Dispose();
        throw new InvalidOperationException("The process that was to be killed did not get ready.");
    }

    /// <summary>Starts one, waits until everything stands at its last step, and kills it; gives the prefix of the workflows' ids.</summary>
    public static async Task<string> LeaveBehindAsync(Arguments run, int n, int steps)
    {
        var (process, prefix) = await FillAsync(run, n, steps, lease: 15);
        using (process)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        return prefix;
    }

    public static Process Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(typeof(FillProcess).Assembly.Location);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException("No process was started.");
    }
}
