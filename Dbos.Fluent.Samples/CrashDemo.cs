using System.Diagnostics;

namespace Dbos.Fluent.Samples;

/// <summary>Kills a process in the middle of a checkout and lets another one finish it.</summary>
internal static class CrashDemo
{
    public static async Task<int> RunAsync(SampleSettings settings)
    {
        var folder = Directory.CreateTempSubdirectory("dbos-fluent-sample-").FullName;
        try
        {
            var given = settings with
            {
                Sqlite = settings.Postgres is null ? settings.Sqlite ?? Path.Combine(folder, "orders.sqlite") : null,
                Ledger = Path.Combine(folder, "effects.txt"),
            };
            return await RunInAsync(given);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> RunInAsync(SampleSettings settings)
    {
        Console.WriteLine("1. A process starts the checkout and is killed (SIGKILL) after the card was charged.");
        if (!await StartAndKillAsync(settings))
        {
            Console.WriteLine(
                "   It had finished before: the workflow is in this database already. Choose a new database to see the crash.");
        }

        var ledger = new Ledger(settings.Ledger);
        await PrintAsync("   What had happened by then:", ledger);

        Console.WriteLine("2. Another process is started. It finds the unfinished checkout and goes on after the last stored step.");
        using var second = Start(settings, "checkout-process");
        var output = await second.StandardOutput.ReadToEndAsync();
        await second.WaitForExitAsync();
        Console.WriteLine(Indent(output));

        await PrintAsync("3. Everything that happened, each once:", ledger);
        var effects = (await ledger.ReadAsync()).Select(line => line.Split("  (")[0]).ToList();
        var repeated = effects.Count - effects.Distinct().Count();
        Console.WriteLine(
            repeated == 0 && second.ExitCode == 0 ? "No step was repeated." : $"Something is wrong: {repeated} effects were repeated.");
        return repeated == 0 ? second.ExitCode : 1;
    }

    private static async Task<bool> StartAndKillAsync(SampleSettings settings)
    {
        using var first = Start(settings, "checkout-process", "--stop-between-steps");
        try
        {
            while (await first.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line == CheckoutProcess.CardCharged)
                {
                    return true;
                }
            }

            return false;
        }
        finally
        {
            if (!first.HasExited)
            {
                first.Kill();
            }

            await first.WaitForExitAsync();
        }
    }

    private static Process Start(SampleSettings settings, params string[] mode)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        string[] arguments = [.. mode, .. settings.Arguments, "--ledger", settings.Ledger];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException("The child process did not start.");
    }

    private static async Task PrintAsync(string title, Ledger ledger)
    {
        Console.WriteLine(title);
        foreach (var line in await ledger.ReadAsync())
        {
            Console.WriteLine("     " + line);
        }

        Console.WriteLine();
    }

    private static string Indent(string text) => string.Join('\n', text.TrimEnd().Split('\n').Select(line => "     " + line)) + "\n";
}
