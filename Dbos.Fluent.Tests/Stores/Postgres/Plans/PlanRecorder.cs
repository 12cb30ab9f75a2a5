using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>
/// Connections on which the server says of each statement how it has executed it, and what it has said. So a plan is that of the
/// statement as the library runs it: its text, its values, prepared or not, with the settings of its connection.
/// </summary>
internal sealed class PlanRecorder : ILoggerFactory, ILogger
{
    private const string Connections = "Npgsql.Connection";

    private const string Settings =
        "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on "
        + "-c auto_explain.log_buffers=on -c auto_explain.log_timing=off -c auto_explain.log_format=json "
        + "-c auto_explain.log_level=notice -c client_min_messages=notice";

    private readonly ConcurrentQueue<ExecutedPlan> plans = [];

    /// <summary>Connects as whoever may load what tells of plans, and then has the rights of a role alone.</summary>
    /// <remarks>A connection that is given back is not reset, which would give it all rights again.</remarks>
    public NpgsqlDataSource Connect(string connectionString, string role)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Options = $"{Settings} -c role={role}",
            NoResetOnClose = true,
        };
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        builder.UseLoggerFactory(this);
        return builder.Build();
    }

    /// <summary>What was executed since this was asked last.</summary>
    public IReadOnlyList<ExecutedPlan> Take()
    {
        List<ExecutedPlan> taken = [];
        while (plans.TryDequeue(out var plan))
        {
            taken.Add(plan);
        }

        return taken;
    }

    // The driver logs what the server says.
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var parts = state as IReadOnlyList<KeyValuePair<string, object?>> ?? [];
        if (parts.FirstOrDefault(part => part.Key == "NoticeText").Value is string said
            && said.Contains("plan:\n{", StringComparison.Ordinal))
        {
            plans.Enqueue(ExecutedPlan.Parse(said[said.IndexOf('{', StringComparison.Ordinal)..]));
        }
    }

    public ILogger CreateLogger(string categoryName) =>
        categoryName == Connections ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}
