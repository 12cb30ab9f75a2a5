using System.Diagnostics;
using System.Globalization;

namespace Dbos.Fluent.Tests.Worker.Servers;

/// <summary>Where the server's programs are, and how a server is run from there.</summary>
internal sealed record PostgresInstallation(string Bin)
{
    /// <summary>Names a server to use instead of one of the tests' own.</summary>
    public const string Variable = "DBOS_TEST_POSTGRES";

    public const string Missing =
        $"No PostgreSQL server was found. Set {Variable} to a connection string whose role may create databases, "
        + "or install one (Debian: apt-get install -y postgresql).";

    // The shell owns the server: when our end of its standard input closes (disposal, crash, SIGKILL) it stops PostgreSQL and removes
    // the folder. A parent-death signal would not do: it fires when the thread that forked ends, and .NET forks from pool threads.
    private const string Supervisor = """
        set -u
        bin=$1 port=$2 durable=$3
        base=${TMPDIR:-/tmp}
        # In memory, where there is enough: a database is a thousand small files, which a disk is slow to make and to remove.
        if [ "$durable" = off ] && [ -w /dev/shm ] && [ "$(df -Pk /dev/shm | awk 'NR == 2 {print $4}')" -gt 1500000 ]; then base=/dev/shm; fi
        dir=$(mktemp -d "$base/dbos-fluent-pg.XXXXXX") || exit 1
        data=$dir/data
        trap 'rm -rf "$dir"' EXIT
        trap '' INT TERM HUP
        cd "$dir"
        "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions >"$dir/initdb.log" 2>&1 \
          || { tr '\n' ' ' <"$dir/initdb.log"; echo; exit 1; }
        cat >>"$data/postgresql.conf" <<END
        port = $port
        listen_addresses = '127.0.0.1'
        unix_socket_directories = '$dir'
        fsync = $durable
        synchronous_commit = $durable
        full_page_writes = $durable
        wal_level = minimal
        max_wal_senders = 0
        autovacuum = $durable
        max_connections = 600
        logging_collector = off
        END
        # A backend keeps the memory of one statement's plan for the next: to give it back and take it again costs a fault for each page.
        export MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=134217728 MALLOC_TOP_PAD_=262144
        start() { "$bin/pg_ctl" -D "$data" -l "$dir/server.log" -s -w -t 30 start >/dev/null 2>&1 </dev/null; }
        stop() { "$bin/pg_ctl" -D "$data" -s -w -t 30 -m "$1" stop >/dev/null 2>&1 </dev/null; }
        report() { if [ "$1" -eq 0 ]; then echo ok; else tail -n 5 "$dir/server.log" | tr '\n' ' '; echo; fi; }
        # After a SIGKILL the old backends need a moment to notice; until then their shared memory bars the way.
        again() { for try in 1 2 3 4 5 6 7 8 9 10; do start && return 0; sleep 0.3; done; return 1; }
        start; report $?
        while read -r command; do
          case $command in
            fast|immediate) stop "$command"; report $? ;;
            kill) kill -KILL "$(head -n 1 "$data/postmaster.pid")"; report $? ;;
            start) again; report $? ;;
          esac
        done
        stop immediate
        """;

    /// <summary>The newest installed server, or null.</summary>
    public static PostgresInstallation? Find()
    {
        const string debian = "/usr/lib/postgresql";
        var versions = Directory.Exists(debian)
            ? Directory.GetDirectories(debian)
                .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0)
            : Enumerable.Empty<string>();
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return versions.Select(folder => Path.Combine(folder, "bin"))
            .Concat(path)
            .Where(folder => File.Exists(Path.Combine(folder, "pg_ctl")) && File.Exists(Path.Combine(folder, "initdb")))
            .Select(folder => new PostgresInstallation(folder))
            .FirstOrDefault();
    }

    /// <summary>
    /// Starts the shell that starts the server; it answers one line, <c>ok</c> or what went wrong, to the start and to each command.
    /// </summary>
    public Process Supervise(int port, bool durable)
    {
        var start = new ProcessStartInfo("sh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Environment.IsPrivilegedProcess)
        {
            DropPrivileges(start);
        }

        string[] arguments = ["-c", Supervisor, "sh", Bin, port.ToString(CultureInfo.InvariantCulture), durable ? "on" : "off"];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException("No shell to start PostgreSQL with.");
    }

    // PostgreSQL refuses to run as root. setpriv is in util-linux and needs neither PAM nor a password.
    private static void DropPrivileges(ProcessStartInfo start)
    {
        var accounts = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length > 3).ToList();
        var account = accounts.Find(fields => fields[0] == "postgres") ?? accounts.Find(fields => fields[0] == "nobody")
            ?? throw new InvalidOperationException("Root may not run PostgreSQL, and there is neither an account 'postgres' nor 'nobody'.");
        start.FileName = "setpriv";
        string[] arguments = ["--reuid=" + account[2], "--regid=" + account[3], "--clear-groups", "--reset-env", "sh"];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
    }
}
