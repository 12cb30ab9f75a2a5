using System.Globalization;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>Queues with limits of every kind, and what must hold of them at every moment, as the database shows it.</summary>
internal sealed class QueueRules(TestDatabase database)
{
    /// <summary>No more run at once, in all processes together, as all limits at their highest allow.</summary>
    public const int RunningMax = ConcurrencyMax + (Processes * WorkerMax) + 4 + 1 + (Processes * Windows * WindowedMax);

    private const string Changing = "changing";
    private const string Rated = "rated";
    private const string Partitioned = "partitioned";
    private const string Windowed = "windowed";
    private const string Ordered = "ordered";
    private const int Processes = 3;
    private const int RateStarts = 40;
    private const int Partitions = 6;
    private const int Windows = 3;
    private const int WindowedMax = 2;
    private const int WorkerMax = 4;
    private const int ConcurrencyMax = 7;

    // Each process goes round all partitions by itself, and one more round of each for what changes meanwhile.
    private const int TurnsMax = Processes * 2 * Partitions;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private readonly ChangingLimit concurrency = new(5);
    private readonly ChangingLimit worker = new(WorkerMax);
    private readonly ChangingRate rate = new(RateStarts, Window);
    private readonly ChangingRate windowRate = new(10, Window);
    private readonly Pausing pausing = new();

    public IEnumerable<WorkflowQueue> Queues =>
    [
        ChangingQueue,
        RatedQueue,
        new(Partitioned) { PartitionConcurrency = 1, Concurrency = 4 },
        WindowedQueue,
        new(Ordered) { Concurrency = 1 },
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private WorkflowQueue ChangingQueue => new(Changing) { Concurrency = concurrency.Value };

    private WorkflowQueue RatedQueue => new(Rated) { RateLimit = rate.Value, WorkerConcurrency = worker.Value };

    private WorkflowQueue WindowedQueue => new(Windowed)
    {
        PartitionRateLimit = windowRate.Value,
        PartitionWorkerConcurrency = WindowedMax,
    };

    /// <summary>Changes one of the limits, or pauses a queue or ends its pause.</summary>
    public Task ChangeAsync(QueueClient queues, Random random)
    {
        switch (random.Next(5))
        {
            case 0:
                concurrency.Change(random.Next(1, ConcurrencyMax + 1));
                return RegisterAsync(queues, ChangingQueue);
            case 1:
                worker.Change(random.Next(1, WorkerMax + 1));
                return RegisterAsync(queues, RatedQueue);
            case 2:
                return rate.ChangeAsync(
                    random.Next(RateStarts / 2, RateStarts + 1),
                    ClockAsync,
                    to => RegisterAsync(queues, RatedQueue with { RateLimit = to }));
            case 3:
                return windowRate.ChangeAsync(
                    random.Next(5, 11), ClockAsync, to => RegisterAsync(queues, WindowedQueue with { PartitionRateLimit = to }));
            default:
                return pausing.ToggleAsync(ClockAsync, paused => PauseAsync(queues, paused));
        }
    }

    /// <summary>Lets everything come to its end.</summary>
    public Task EndAsync(QueueClient queues) => pausing.EndAsync(ClockAsync, paused => PauseAsync(queues, paused));

    public StartOptions Start(Random random) => random.Next(5) switch
    {
        0 => new() { Queue = Changing },
        1 => new() { Queue = Rated },
        2 => new() { Queue = Partitioned, PartitionKey = $"p{random.Next(Partitions)}" },
        3 => new() { Queue = Windowed, PartitionKey = $"w{random.Next(Windows)}" },
        _ => new() { Queue = Ordered, Priority = random.Next(3) },
    };

    /// <summary>Asserts every limit, from looks at the database alone.</summary>
    public async Task CheckAsync()
    {
        var running = await database.QueryAsync(
            "SELECT queue_name, queue_partition_key, executor_id, count(*) FROM workflow_status WHERE status = 'PENDING' GROUP BY 1, 2, 3");
        var by = running.ToLookup(row => row[0]!, row => (Partition: row[1], Executor: row[2], Count: Number(row[3])));
        concurrency.Check(by[Changing].Sum(row => row.Count));
        worker.Check(Most(by[Rated].GroupBy(row => row.Executor, row => row.Count)));
        Assert.InRange(by[Ordered].Sum(row => row.Count), 0, 1);
        Assert.InRange(by[Partitioned].Sum(row => row.Count), 0, 4);
        Assert.InRange(Most(by[Partitioned].GroupBy(row => row.Partition, row => row.Count)), 0, 1);
        Assert.InRange(by[Windowed].Select(row => row.Count).DefaultIfEmpty().Max(), 0, WindowedMax);

        rate.Check(await StartsAsync($"queue_name = '{Rated}'"));
        pausing.Check(await StartsAsync($"queue_name = '{Changing}'"));
        for (var number = 0; number < Windows; number++)
        {
            windowRate.Check(await StartsAsync($"queue_name = '{Windowed}' AND queue_partition_key = 'w{number}'"));
        }
    }

    /// <summary>
    /// Asserts that priorities were honoured: among what ran once, nothing passed what had waited for long and came before it.
    /// </summary>
    public async Task CheckOrderAsync() => Assert.Equal(0, await database.CountAsync(
        $"""
        SELECT count(*) FROM workflow_status AS late JOIN workflow_status AS early
            ON early.queue_name = late.queue_name AND early.priority < late.priority AND early.started_at_epoch_ms > late.started_at_epoch_ms
         WHERE late.queue_name = '{Ordered}' AND late.recovery_attempts = 1 AND early.recovery_attempts = 1
           AND early.created_at + 1000 < late.started_at_epoch_ms
        """));

    /// <summary>
    /// Asserts that no partition starved: from when a workflow was the first of its partition until it began, the others took turns, and
    /// not more of them than rounds of all partitions in all processes.
    /// </summary>
    public async Task CheckFairnessAsync() => Assert.Equal(0, await database.CountAsync(
        $"""
        WITH line AS (
            SELECT workflow_uuid, queue_partition_key AS key, started_at_epoch_ms AS begun, recovery_attempts,
                   GREATEST(created_at, lag(completed_at) OVER (PARTITION BY queue_partition_key ORDER BY started_at_epoch_ms)) AS first
              FROM workflow_status
             WHERE queue_name = '{Partitioned}')
        SELECT count(*)
          FROM line AS late
         WHERE late.recovery_attempts = 1
           AND (SELECT count(*) FROM line AS other
                 WHERE other.key <> late.key AND other.begun > late.first AND other.begun < late.begun) > {TurnsMax}
        """));

    private static Task RegisterAsync(QueueClient queues, WorkflowQueue queue) => queues.RegisterAsync(queue, cancellationToken: Cancel);

    private static Task PauseAsync(QueueClient queues, bool paused) =>
        paused ? queues.PauseAsync(Changing, Cancel) : queues.ResumeAsync(Changing, Cancel);

    private static long Most<T>(IEnumerable<IGrouping<T, long>> groups) => groups.Select(group => group.Sum()).DefaultIfEmpty().Max();

    private static long Number(string? text) => long.Parse(text!, CultureInfo.InvariantCulture);

    private Task<long> ClockAsync() => database.CountAsync("SELECT (EXTRACT(epoch FROM clock_timestamp()) * 1000)::bigint");

    private async Task<List<long>> StartsAsync(string where)
    {
        var rows = await database.QueryAsync(
            $"SELECT started_at_epoch_ms FROM workflow_status WHERE {where} AND started_at_epoch_ms IS NOT NULL ORDER BY 1");
        return rows.ConvertAll(row => Number(row[0]));
    }
}
