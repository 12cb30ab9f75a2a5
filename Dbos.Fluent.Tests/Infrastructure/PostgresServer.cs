using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Xunit;

[assembly: AssemblyFixture(typeof(Dbos.Fluent.Tests.PostgresServer))]

namespace Dbos.Fluent.Tests;

/// <summary>One Postgres for the whole test process: DBOS_TEST_POSTGRES, else a local server started as a child.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string EnvVar = "DBOS_TEST_POSTGRES";

    // The shell owns the server: when our end of its stdin closes (dispose, crash, kill -9) it stops
    // Postgres and removes the folder. PDEATHSIG would not do: it fires when the *thread* that forked ends.
    private const string Supervisor = """
        set -eu
        dir=$(mktemp -d "${TMPDIR:-/tmp}/dbos-pg.XXXXXX")
        trap 'rm -rf "$dir"' EXIT
        trap '' INT TERM
        cd "$dir"
        "$1/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
        "$1/postgres" -D "$dir/data" -p "$2" -k "$dir" -c listen_addresses=127.0.0.1 \
          -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 \
          -c logging_collector=off </dev/null >"$dir/server.log" 2>&1 &
        pid=$!
        echo "$dir $pid"
        cat >/dev/null || true
        kill -QUIT "$pid" 2>/dev/null || true
        wait "$pid" || true
        """;

    private readonly Lazy<Task> _started;
    private Process? _supervisor;
    private int _databases;

    public PostgresServer() => _started = new(StartAsync); // lazy: a filtered run that needs no database starts none

    public string ConnectionString { get; private set; } = "";
    public int ServerProcessId { get; private set; }
    public string How { get; private set; } = "";
    public TimeSpan StartupTime { get; private set; }

    private async Task StartAsync()
    {
        var clock = Stopwatch.StartNew();
        if (Environment.GetEnvironmentVariable(EnvVar) is { Length: > 0 } given)
        {
            ConnectionString = given;
            How = "environment";
        }
        else
        {
            await StartLocalAsync();
            How = "local";
        }

        StartupTime = clock.Elapsed;
    }

    /// <summary>A new empty database (or a copy of <paramref name="template"/>): about 30 ms.</summary>
    public async Task<string> CreateDatabaseAsync(string template = "template1", CancellationToken ct = default)
    {
        await _started.Value;
        var name = string.Create(CultureInfo.InvariantCulture, $"t{Environment.ProcessId}_{Interlocked.Increment(ref _databases)}");
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var command = source.CreateCommand($"CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"");
        await command.ExecuteNonQueryAsync(ct);
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }

    private async Task StartLocalAsync()
    {
        var bin = FindBin() ?? throw new InvalidOperationException($"no Postgres server found: set {EnvVar} or install one (Debian: apt-get install -y postgresql)");
        for (var attempt = 1; ; attempt++)
        {
            var port = FreePort();
            var start = new ProcessStartInfo { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            if (Environment.IsPrivilegedProcess)
            {
                start.FileName = "setpriv"; // util-linux, no PAM, no password: initdb and postgres refuse to run as root
                var user = HasUser("postgres") ? "postgres" : "nobody";
                foreach (var a in (string[])[$"--reuid={user}", $"--regid={GroupOf(user)}", "--clear-groups", "--reset-env", "sh"])
                {
                    start.ArgumentList.Add(a);
                }
            }
            else
            {
                start.FileName = "sh";
            }

            foreach (var a in (string[])["-c", Supervisor, "sh", bin, port.ToString(CultureInfo.InvariantCulture)])
            {
                start.ArgumentList.Add(a);
            }

            _supervisor = Process.Start(start)!;
            var line = await _supervisor.StandardOutput.ReadLineAsync();
            if (line is null)
            {
                throw new InvalidOperationException("Postgres did not start: " + await _supervisor.StandardError.ReadToEndAsync());
            }

            var split = line.LastIndexOf(' ');
            ServerProcessId = int.Parse(line.AsSpan(split + 1), CultureInfo.InvariantCulture);
            ConnectionString = $"Host=127.0.0.1;Port={port};Username=postgres;Database=postgres;Include Error Detail=true";
            if (await ReadyAsync())
            {
                return;
            }

            await DisposeAsync();
            if (attempt == 3)
            {
                throw new InvalidOperationException("Postgres did not become ready");
            }
        }
    }

    private async Task<bool> ReadyAsync()
    {
        var once = ConnectionString + ";Pooling=false;Timeout=5";
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(30);)
        {
            if (_supervisor!.HasExited)
            {
                return false;
            }

            try
            {
                await using var connection = new NpgsqlConnection(once);
                await connection.OpenAsync();
                return true;
            }
            catch (NpgsqlException)
            {
                await pause.WaitForNextTickAsync();
            }
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        if (_supervisor is null)
        {
            return;
        }

        NpgsqlConnection.ClearAllPools();
        _supervisor.StandardInput.Close();
        await _supervisor.WaitForExitAsync();
        _supervisor.Dispose();
        _supervisor = null;
    }

    private static string? FindBin()
    {
        string[] candidates =
        [
            Environment.GetEnvironmentVariable("DBOS_TEST_PG_BIN") ?? "",
            .. Directory.Exists("/usr/lib/postgresql")
                ? Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(d => int.TryParse(Path.GetFileName(d), out var v) ? v : 0).Select(d => d + "/bin")
                : [],
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'),
        ];
        return candidates.FirstOrDefault(d => d.Length > 0 && File.Exists(d + "/postgres") && File.Exists(d + "/initdb"));
    }

    private static bool HasUser(string user) => File.ReadLines("/etc/passwd").Any(l => l.StartsWith(user + ":", StringComparison.Ordinal));

    private static string GroupOf(string user) => File.ReadLines("/etc/passwd").First(l => l.StartsWith(user + ":", StringComparison.Ordinal)).Split(':')[3];

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
