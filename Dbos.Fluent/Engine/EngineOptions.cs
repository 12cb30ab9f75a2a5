using Dbos.Fluent.Model;
using Dbos.Fluent.Schedules;
using Npgsql;

namespace Dbos.Fluent;

/// <summary>How an engine is launched: its database, its workflows, and how it shares work with other engines.</summary>
public sealed class EngineOptions : ClientOptions
{
    private static readonly TimeSpan LeaseMin = TimeSpan.FromMilliseconds(300);

    internal List<WorkflowDefinition> Definitions { get; } = [];

    internal List<WorkflowQueue> Queues { get; } = [];

    internal List<ScheduleDefinition> Schedules { get; } = [];

    /// <summary>The id of this executor. Two living processes must not share one.</summary>
    /// <value>Null by default: a new id at each launch.</value>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public string? ExecutorId
    {
        get;
        set => field = value is null ? null : Names.CheckId(value, nameof(ExecutorId));
    }

    /// <summary>The version of the code, to which unfinished workflows are bound.</summary>
    /// <value>
    /// Null by default: the environment variable <c>DBOS__APPVERSION</c>, else a fingerprint of the application's name and the registered
    /// workflows.
    /// </value>
    /// <exception cref="ArgumentException">The version is blank, too long or holds control characters.</exception>
    public string? ApplicationVersion
    {
        get;
        set => field = value is null ? null : Names.CheckName(value, nameof(ApplicationVersion));
    }

    /// <summary>How long this engine counts as alive without renewing its lease; then another engine continues its work.</summary>
    /// <value>15 s by default, at least 0.3 s. It is renewed at each third.</value>
    /// <exception cref="ArgumentOutOfRangeException">The lease is shorter than 0.3 s or longer than a day.</exception>
    public TimeSpan Lease
    {
        get;
        set => field = value < LeaseMin || value > TimeSpan.FromDays(1)
            ? throw new ArgumentOutOfRangeException(nameof(Lease), value, $"A lease lasts from {LeaseMin.TotalSeconds} s to a day.")
            : value;
    } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long a workflow that only waits stays in memory; after that, any engine of the application takes it up again in time.
    /// </summary>
    /// <value>
    /// 10 s by default. A sleep that lasts longer leaves memory at once; any other wait leaves once it has lasted that long.
    /// <see cref="Timeout.InfiniteTimeSpan"/> keeps everything in memory. A workflow from a queue with
    /// <see cref="WorkflowQueue.Concurrency"/> or <see cref="WorkflowQueue.PartitionConcurrency"/> always stays in memory, and so does one
    /// that reads a stream or pauses between attempts of a step, for as long as it does.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or longer than a day.</exception>
    public TimeSpan UnloadAfter
    {
        get;
        set => field = value != Timeout.InfiniteTimeSpan && (value < TimeSpan.Zero || value > TimeSpan.FromDays(1))
            ? throw new ArgumentOutOfRangeException(
                nameof(UnloadAfter), value, "UnloadAfter is at least zero and at most a day, or infinite.")
            : value;
    } = TimeSpan.FromSeconds(10);

    /// <summary>How long <c>DisposeAsync</c> lets running workflows finish before it hands them on.</summary>
    /// <remarks>
    /// The tokens of all steps fire at the beginning of that time, with <see cref="CancellationReason.Shutdown"/>. A body that passes its
    /// token on is interrupted, and runs again elsewhere under the same idempotency key. A body whose call should finish passes a timeout
    /// of its own instead of the token.
    /// </remarks>
    /// <value>5 s by default; zero hands everything on at once.</value>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or longer than a day.</exception>
    public TimeSpan DrainTimeout
    {
        get;
        set => field = value < TimeSpan.Zero || value > TimeSpan.FromDays(1)
            ? throw new ArgumentOutOfRangeException(nameof(DrainTimeout), value, "DrainTimeout is at least zero and at most a day.")
            : value;
    } = TimeSpan.FromSeconds(5);

    /// <summary>How often a workflow may be recovered before the engines give it up.</summary>
    /// <value>100 by default; null: without limit.</value>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public int? MaxRecoveryAttempts
    {
        get;
        set => field = value is < 0
            ? throw new ArgumentOutOfRangeException(
                nameof(MaxRecoveryAttempts), value, "MaxRecoveryAttempts is at least zero, or null for no limit.")
            : value;
    } = 100;

    /// <summary>Whether the launch brings the database's tables to the current state.</summary>
    /// <value>True by default. False needs no right to create tables; the launch then fails on a database that is out of date.</value>
    public bool Migrate { get; set; } = true;

    /// <summary>
    /// The queues that this engine serves. It always serves the internal queue, for resumed, recovered and delayed workflows.
    /// </summary>
    /// <value>Null by default: every queue of the application. An empty list means no queue.</value>
    /// <exception cref="ArgumentException">A name is blank, too long or holds control characters.</exception>
    public IReadOnlyList<string>? ListenTo
    {
        get;
        set => field = value is null ? null : [.. value.Select(name => Names.CheckName(name, nameof(ListenTo)))];
    }

    /// <summary>
    /// Which ended workflows of this application, and of no application, the engine deletes automatically: a few at a time beside running
    /// workflows, and more for each minute that it is behind.
    /// </summary>
    /// <value>Null by default: the engine deletes nothing. Engines of one application should have the same policy.</value>
    /// <exception cref="ArgumentException">The policy sets neither <c>OlderThan</c> nor <c>KeepNewest</c>.</exception>
    public RetentionPolicy? Retention
    {
        get;
        set => field = value?.Checked(nameof(Retention));
    }

    /// <summary>
    /// The application's services, for <see cref="StepContext.Services"/>. If they have an <c>IServiceScopeFactory</c>, each attempt of a
    /// step gets its own scope.
    /// </summary>
    /// <value>Null by default: no services.</value>
    public IServiceProvider? Services { get; set; }

    /// <inheritdoc cref="ClientOptions.UsePostgres(string, string)"/>
    public new EngineOptions UsePostgres(string connectionString, string schema = "dbos") =>
        (EngineOptions)base.UsePostgres(connectionString, schema);

    /// <inheritdoc cref="ClientOptions.UsePostgres(NpgsqlDataSource, string)"/>
    public new EngineOptions UsePostgres(NpgsqlDataSource dataSource, string schema = "dbos") =>
        (EngineOptions)base.UsePostgres(dataSource, schema);

    /// <inheritdoc cref="ClientOptions.UseSqlite(string)"/>
    public new EngineOptions UseSqlite(string path) => (EngineOptions)base.UseSqlite(path);

    /// <summary>Registers workflows: the engine runs these and no others.</summary>
    /// <param name="definitions">The definitions; a definition may be given twice.</param>
    /// <returns>These options.</returns>
    public EngineOptions Add(params WorkflowDefinition[] definitions)
    {
        ArgumentNullException.ThrowIfNull(definitions);
        foreach (var definition in definitions)
        {
            ArgumentNullException.ThrowIfNull(definition, nameof(definitions));
            Definitions.Add(definition);
        }

        return this;
    }

    /// <summary>Registers queues at launch, with <see cref="OnConflict.UpdateIfLatestVersion"/>.</summary>
    /// <remarks>
    /// Each launch of the latest version replaces limits that were set at run time (<see cref="QueueClient.RegisterAsync"/>). Pauses stay.
    /// </remarks>
    /// <param name="queues">The queues, each name once.</param>
    /// <returns>These options.</returns>
    /// <exception cref="ArgumentException">A limit is higher than a wider one, so it would have no effect.</exception>
    /// <exception cref="ConflictingRegistrationException">Two different queues share a name.</exception>
    public EngineOptions Add(params WorkflowQueue[] queues)
    {
        ArgumentNullException.ThrowIfNull(queues);
        foreach (var queue in queues)
        {
            ArgumentNullException.ThrowIfNull(queue, nameof(queues));
            if (Queues.Find(other => other.Name == queue.Name) is not { } same)
            {
                Queues.Add(queue.Checked());
            }
            else if (same != queue)
            {
                throw ConflictingRegistrationException.OfQueues(queue.Name);
            }
        }

        return this;
    }

    /// <summary>Declares a schedule: the launch creates or updates it, and registers its workflow if its code is available.</summary>
    /// <remarks>
    /// Each launch, even of an older version, replaces changes that were made at run time (<see cref="ScheduleClient.UpdateAsync"/>). A
    /// paused schedule stays paused. A schedule that is no longer declared stays in the database until it is deleted
    /// (<see cref="ScheduleClient.DeleteAsync"/>).
    /// </remarks>
    /// <param name="name">The schedule's name, unique in the database; at most 200 characters.</param>
    /// <param name="cron">
    /// Five fields (minute, hour, day of month, month, day of week) or six, with seconds first.
    /// </param>
    /// <param name="definition">The workflow that the schedule starts.</param>
    /// <param name="timeZone">The IANA name of the zone in which the expression is read; UTC by default.</param>
    /// <param name="options">How the schedule starts workflows; null for the defaults.</param>
    /// <typeparam name="TOut">The workflow's result type.</typeparam>
    /// <returns>These options.</returns>
    /// <exception cref="ArgumentException">
    /// The name, the expression (the message says where in it) or the zone is invalid, the expression names no moment, or the name is
    /// declared twice.
    /// </exception>
    public EngineOptions Schedule<TOut>(
        string name,
        string cron,
        WorkflowDefinition<ScheduledRun, TOut> definition,
        string timeZone = "UTC",
        ScheduleOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ScheduleRows.CheckName(name);
        ScheduleRows.CheckCron(cron, timeZone);
        if (Schedules.Exists(other => other.Name == name))
        {
            throw new ArgumentException($"The schedule '{name}' is declared twice.", nameof(name));
        }

        Schedules.Add(new ScheduleDefinition(name, cron, definition, timeZone, options));
        if (definition.HasBody)
        {
            Definitions.Add(definition);
        }

        return this;
    }
}
