using System.Globalization;

namespace Dbos.Fluent.Benchmarks;

/// <summary>What the command line says.</summary>
internal sealed record Arguments(string Mode, string? Postgres, string? Sqlite, IReadOnlyDictionary<string, string> Values)
{
    public static Arguments Parse(string[] args)
    {
        string? postgres = null, sqlite = null;
        var values = new Dictionary<string, string>();
        for (var i = 1; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--postgres":
                    postgres = args[++i];
                    break;
                case "--sqlite":
                    sqlite = args[++i];
                    break;
                case ['-', '-', .. var name]:
                    values[name] = args[++i];
                    break;
                default:
                    var pair = args[i].Split('=', 2);
                    values[pair[0]] = pair.Length > 1 ? pair[1] : "1";
                    break;
            }
        }

        return new Arguments(args.Length > 0 ? args[0] : "help", postgres, sqlite, values);
    }

    public int Number(string name, int fallback) =>
        Values.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : fallback;

    /// <summary>Points an engine at the database that the command line names.</summary>
    public void Use(EngineOptions options)
    {
        options.ApplicationName = "benchmarks";
        options.ApplicationVersion = "1";
        options.Notifications = Number("notifications", 1) != 0;
        if (Postgres is not null)
        {
            options.UsePostgres(Postgres);
        }
        else
        {
            options.UseSqlite(Sqlite ?? throw new ArgumentException("Name a database: --postgres or --sqlite."));
        }
    }

    /// <summary>The same database, for a child process.</summary>
    public string[] Database => Postgres is not null ? ["--postgres", Postgres] : ["--sqlite", Sqlite!];
}
