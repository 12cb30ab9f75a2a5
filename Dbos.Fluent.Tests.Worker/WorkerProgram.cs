namespace Dbos.Fluent.Tests.Worker;

/// <summary>
/// Runs one scenario in a process of its own, for tests that kill processes. It reports points on standard output, takes commands on
/// standard input, and exits when that closes: nobody is left to watch it.
/// </summary>
internal static class WorkerProgram
{
    private const int UnknownScenario = 64;
    private const int Abandoned = 65;

    public static async Task<int> Main(string[] arguments)
    {
        var (scenario, hold, settings) = WorkerArguments.Parse(arguments);
        if (!Scenarios.All.TryGetValue(scenario, out var run))
        {
            await Console.Error.WriteLineAsync($"There is no scenario '{scenario}'.");
            return UnknownScenario;
        }

        var points = new WorkerPoints(Console.Out, hold);
        var commands = new Thread(() => ReadCommands(points)) { IsBackground = true };
        commands.Start();
        await run(new WorkerContext(points, settings));
        return 0;
    }

    // A thread of its own, because reading the console blocks; the pool must stay free for the scenario.
    private static void ReadCommands(WorkerPoints points)
    {
        while (Console.In.ReadLine() is { } line)
        {
            if (line.StartsWith(WorkerArguments.GoOn, StringComparison.Ordinal))
            {
                points.GoOn(line[WorkerArguments.GoOn.Length..]);
            }
        }

        Environment.Exit(Abandoned);
    }
}
