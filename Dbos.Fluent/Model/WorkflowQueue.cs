using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>A named queue of workflows that wait to run, and its limits. Immutable; the limits apply once it is registered.</summary>
/// <remarks>
/// <para>
/// Register the queue at launch (<c>EngineOptions.Add</c>) or at run time (<see cref="QueueClient.RegisterAsync"/>). It is then a row of
/// the database, and every process of the application serves it. A workflow may be enqueued to an unregistered queue; it waits.
/// </para>
/// <para>
/// All engines of one application share the limits, except worker limits, which apply to one process. A queue with a limit for each
/// partition is partitioned: every start on it names a partition, and the limits of the whole queue apply as well.
/// </para>
/// </remarks>
public sealed record WorkflowQueue
{
    private readonly string name;

    /// <summary>Makes a queue without limits.</summary>
    /// <param name="Name">
    /// The queue's name: not blank, at most 255 characters, no control characters, not beginning with <c>_dbos_</c>.
    /// </param>
    /// <exception cref="ArgumentException">The name is blank, too long, holds control characters, or begins with <c>_dbos_</c>.</exception>
    public WorkflowQueue(string Name) => name = QueueNames.Check(Name, nameof(Name));

    private WorkflowQueue(StoredName stored) => name = stored.Name;

    /// <summary>The queue's name, unique in the database.</summary>
    /// <exception cref="ArgumentException">The name is blank, too long, holds control characters, or begins with <c>_dbos_</c>.</exception>
    public string Name
    {
        get => name;
        init => name = QueueNames.Check(value, nameof(Name));
    }

    /// <summary>How many of its workflows may run at once, in all processes together.</summary>
    /// <value>
    /// Null by default: no limit. A workflow that waits for something keeps its place and stays in memory, whatever
    /// <see cref="EngineOptions.UnloadAfter"/> says. A parent that awaits a child on its own queue may therefore wait forever: put
    /// children, and workflows that wait for long, on another queue.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one.</exception>
    public int? Concurrency
    {
        get;
        init => field = CheckLimit(value, nameof(Concurrency));
    }

    /// <summary>How many of its workflows may run at once in each process.</summary>
    /// <value>Null by default: as many as the process has room for.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one.</exception>
    public int? WorkerConcurrency
    {
        get;
        init => field = CheckLimit(value, nameof(WorkerConcurrency));
    }

    /// <summary>How many of its workflows may be started in a span of time, by all processes together.</summary>
    /// <value>Null by default: no limit.</value>
    public RateLimit? RateLimit { get; init; }

    /// <summary>How many workflows of one partition may run at once, in all processes together.</summary>
    /// <value>Null by default: no limit. A workflow that waits keeps its place, as with <see cref="Concurrency"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one.</exception>
    public int? PartitionConcurrency
    {
        get;
        init => field = CheckLimit(value, nameof(PartitionConcurrency));
    }

    /// <summary>How many workflows of one partition may run at once in each process.</summary>
    /// <value>Null by default: no limit.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one.</exception>
    public int? PartitionWorkerConcurrency
    {
        get;
        init => field = CheckLimit(value, nameof(PartitionWorkerConcurrency));
    }

    /// <summary>How many workflows of one partition may be started in a span of time, by all processes together.</summary>
    /// <value>Null by default: no limit.</value>
    public RateLimit? PartitionRateLimit { get; init; }

    /// <summary>How often other DBOS SDKs poll the queue. This library is woken instead and does not use it.</summary>
    /// <value>Null by default: their own default of a second. From a millisecond to a day.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of its range.</exception>
    public TimeSpan? PollInterval
    {
        get;
        init => field = value is { } interval && (interval < TimeSpan.FromMilliseconds(1) || interval > TimeSpan.FromDays(1))
            ? throw new ArgumentOutOfRangeException(nameof(PollInterval), value, "PollInterval lasts from one millisecond to a day.")
            : value;
    }

    /// <summary>Converts a queue to its name, for use wherever a queue is named.</summary>
    /// <param name="queue">The queue, or null.</param>
    /// <returns>Its name, or null.</returns>
    public static implicit operator string?(WorkflowQueue? queue) => queue?.Name;

    /// <summary>Deconstructs the queue into its name.</summary>
    /// <param name="Name">Its name.</param>
    public void Deconstruct(out string Name) => Name = this.Name;

    /// <summary>True if every enqueue must name a partition.</summary>
    internal bool IsPartitioned =>
        PartitionConcurrency is not null || PartitionWorkerConcurrency is not null || PartitionRateLimit is not null;

    /// <summary>True if the claims of several processes count together.</summary>
    internal bool HasSharedLimit =>
        Concurrency is not null || RateLimit is not null || PartitionConcurrency is not null || PartitionRateLimit is not null;

    /// <summary>True if more workflows may wait than may run now.</summary>
    internal bool IsLimited => HasSharedLimit || WorkerConcurrency is not null || PartitionWorkerConcurrency is not null;

    /// <summary>The longest time for which a start counts against a rate; null without one.</summary>
    internal TimeSpan? LongestWindow => RateLimit?.Per is { } all && PartitionRateLimit?.Per is { } each
        ? TimeSpan.FromTicks(Math.Max(all.Ticks, each.Ticks))
        : RateLimit?.Per ?? PartitionRateLimit?.Per;

    /// <summary>Checks the limits against each other: a limit without effect is a mistake.</summary>
    /// <exception cref="ArgumentException">A limit is higher than a wider one.</exception>
    internal WorkflowQueue Checked()
    {
        ThrowIfAbove(WorkerConcurrency, nameof(WorkerConcurrency), Concurrency, nameof(Concurrency));
        ThrowIfAbove(PartitionConcurrency, nameof(PartitionConcurrency), Concurrency, nameof(Concurrency));
        ThrowIfAbove(PartitionWorkerConcurrency, nameof(PartitionWorkerConcurrency), PartitionConcurrency, nameof(PartitionConcurrency));
        ThrowIfAbove(PartitionWorkerConcurrency, nameof(PartitionWorkerConcurrency), WorkerConcurrency, nameof(WorkerConcurrency));
        ThrowIfAbove(PartitionWorkerConcurrency, nameof(PartitionWorkerConcurrency), Concurrency, nameof(Concurrency));
        return PartitionRateLimit is { } each && RateLimit is { } all && each.Starts > all.Starts && each.Per <= all.Per
            ? throw new ArgumentException(
                $"Queue '{Name}': PartitionRateLimit ({each.Starts} in {each.Per}) is higher than RateLimit ({all.Starts} in {all.Per}), "
                + "so it would have no effect: lower it or raise RateLimit.")
            : this;
    }

    /// <summary>Makes a queue from its row; another SDK may have chosen the name.</summary>
    internal static WorkflowQueue OfStored(string name) => new(new StoredName(name));

    private static int? CheckLimit(int? value, string property) => value is < 1
        ? throw new ArgumentOutOfRangeException(
            property, value, $"{property} is at least one, or null for no limit: pause the queue instead.")
        : value;

    private void ThrowIfAbove(int? limit, string name, int? wider, string widerName)
    {
        if (limit > wider)
        {
            throw new ArgumentException(
                $"Queue '{Name}': {name} ({limit}) is higher than {widerName} ({wider}), so it would have no effect: lower it or raise "
                + $"{widerName}.");
        }
    }

    private readonly record struct StoredName(string Name);
}
