using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Dbos.Fluent.Tests.Worker.Servers;

/// <summary>
/// A PostgreSQL server of the tests' own: a child process in a temporary folder, gone when the tests are, however they end.
/// </summary>
/// <remarks>
/// The tests share one through their fixture <c>SharedPostgres</c>. A test that stops or kills its server starts a private one with
/// <see cref="StartAsync"/>.
/// </remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    private const int PortTries = 3;
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(60);

    private readonly PostgresInstallation installation;
    private readonly bool durable;
    private Process supervisor;

    private PostgresServer(PostgresInstallation installation, bool durable, Process supervisor, int port)
    {
        (this.installation, this.durable, this.supervisor) = (installation, durable, supervisor);
        ConnectionString = string.Create(
            CultureInfo.InvariantCulture,
            $"Host=127.0.0.1;Port={port};Username=postgres;Database=postgres;Include Error Detail=true");
    }

    /// <summary>How the database <c>postgres</c> of this server is reached, over TCP so that a proxy may stand between.</summary>
    public string ConnectionString { get; }

    /// <summary>Starts a server and waits until it takes connections.</summary>
    /// <param name="durable">True for <c>fsync</c> and <c>synchronous_commit</c>, for tests that kill it; false is faster.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    public static async Task<PostgresServer> StartAsync(bool durable, CancellationToken cancellationToken)
    {
        var installation = PostgresInstallation.Find() ?? throw new InvalidOperationException(PostgresInstallation.Missing);
        for (var tries = 1; ; tries++)
        {
            var port = Ports.FindFree();
            var server = new PostgresServer(installation, durable, installation.Supervise(port, durable), port);
            var answer = await server.AnswerAsync(cancellationToken);
            if (answer == "ok")
            {
                return server;
            }

            // Most likely somebody took the port between the look and the start.
            await server.DisposeAsync();
            if (tries == PortTries)
            {
                throw new InvalidOperationException("PostgreSQL did not start: " + answer);
            }
        }
    }

    /// <summary>Stops the server in the given way and waits until it is gone. Its data stays for <see cref="StartAgainAsync"/>.</summary>
    public async Task StopAsync(PostgresStop how, CancellationToken cancellationToken)
    {
        await CommandAsync(how switch
        {
            PostgresStop.Fast => "fast",
            PostgresStop.Immediate => "immediate",
            PostgresStop.Kill => "kill",
            _ => throw new UnreachableException($"Unknown way to stop {how}."),
        }, cancellationToken);
    }

    /// <summary>Starts the stopped server again, on the same port and data, and waits until it takes connections.</summary>
    public Task StartAgainAsync(CancellationToken cancellationToken) => CommandAsync("start", cancellationToken);

    /// <summary>Stops and starts; immediately means without a shutdown checkpoint, so that it comes back through crash recovery.</summary>
    public async Task RestartAsync(bool immediate, CancellationToken cancellationToken)
    {
        await StopAsync(immediate ? PostgresStop.Immediate : PostgresStop.Fast, cancellationToken);
        await StartAgainAsync(cancellationToken);
    }

    /// <summary>Makes a database, as a copy of the template.</summary>
    public async Task<string> CreateDatabaseAsync(string name, string template, CancellationToken cancellationToken)
    {
        await ExecuteAsync(ConnectionString, $"CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"", cancellationToken);
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }

    /// <summary>Stops the server and removes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        supervisor.StandardInput.Close();
        await supervisor.WaitForExitAsync().WaitAsync(CommandLimit);
        supervisor.Dispose();
    }

    internal static async Task ExecuteAsync(string connectionString, string sql, CancellationToken cancellationToken)
    {
        // Not pooled: an idle connection would keep its database from being copied or dropped.
        var unpooled = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString;
        await using var source = NpgsqlDataSource.Create(unpooled);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task CommandAsync(string command, CancellationToken cancellationToken)
    {
        await supervisor.StandardInput.WriteLineAsync(command.AsMemory(), cancellationToken);
        await supervisor.StandardInput.FlushAsync(cancellationToken);
        var answer = await AnswerAsync(cancellationToken);
        if (answer != "ok")
        {
            throw new InvalidOperationException($"PostgreSQL did not {command}: {answer}");
        }
    }

    private async Task<string> AnswerAsync(CancellationToken cancellationToken) =>
        await supervisor.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(CommandLimit, cancellationToken)
        ?? await supervisor.StandardError.ReadToEndAsync(cancellationToken).WaitAsync(CommandLimit, cancellationToken);
}

/// <summary>How a server is stopped.</summary>
public enum PostgresStop
{
    /// <summary>Connections are ended and a checkpoint is written.</summary>
    Fast,

    /// <summary>Everything is dropped at once; the next start recovers from the log.</summary>
    Immediate,

    /// <summary>The server process gets SIGKILL.</summary>
    Kill,
}
