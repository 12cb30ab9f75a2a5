namespace Dbos.Fluent.Samples;

/// <summary>The command line: a mode, a database and, for the demo's child processes, the path of the ledger.</summary>
internal sealed record SampleSettings(string Mode, string? Postgres, string? Sqlite, string Ledger, bool StopBetweenSteps)
{
    public static SampleSettings Parse(string[] args)
    {
        var settings = new SampleSettings(
            args is [{ } mode, ..] && !mode.StartsWith("--sqlite", StringComparison.Ordinal)
                && !mode.StartsWith("--postgres", StringComparison.Ordinal)
                ? mode
                : "crash-demo",
            null,
            null,
            "",
            false);
        for (var i = 0; i < args.Length; i++)
        {
            settings = args[i] switch
            {
                "--postgres" => settings with { Postgres = Next(args, ref i) },
                "--sqlite" => settings with { Sqlite = Next(args, ref i) },
                "--ledger" => settings with { Ledger = Next(args, ref i) },
                "--stop-between-steps" => settings with { StopBetweenSteps = true },
                _ => settings,
            };
        }

        return settings;
    }

    /// <summary>Points an engine at the chosen database.</summary>
    public void Use(EngineOptions options)
    {
        options.ApplicationName = "samples";
        if (Postgres is not null)
        {
            options.UsePostgres(Postgres);
        }
        else
        {
            options.UseSqlite(Sqlite ?? throw new InvalidOperationException("No database was chosen."));
        }
    }

    /// <summary>The same choice, as arguments for a child process.</summary>
    public IEnumerable<string> Arguments => Postgres is not null ? ["--postgres", Postgres] : ["--sqlite", Sqlite!];

    private static string Next(string[] args, ref int i) =>
        i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{args[i]} needs a value.");
}
