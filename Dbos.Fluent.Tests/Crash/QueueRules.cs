namespace Dbos.Fluent.Tests.Crash;

/// <summary>Queues with limits of every kind, and what must hold of them at every moment, as the database shows it.</summary>
/// <param name="database">What shows it.</param>
/// <param name="processes">How many processes serve the queues.</param>
/// <param name="parks">
/// True if what waits leaves memory, where its queue does not keep its place: then the limits of a worker do not count it.
/// </param>
internal sealed class QueueRules(TestDatabase database, int processes, bool parks)
{
    private const string Changing = "changing";
    private const string Rated = "rated";
    private const string Partitioned = "partitioned";
    private const string Windowed = "windowed";
    private const string Ordered = "ordered";
    private const int RateStarts = 30;
    private const int WindowStarts = 8;
    private const int EndStarts = 10_000;
    private const int Partitions = 6;
    private const int Windows = 3;
    private const int WindowedMax = 2;
    private const int WorkerMax = 4;
    private const int ConcurrencyMax = 7;
    private const int AllMax = 5;
    private const int EachMax = 2;

    // Longer than it takes until work of a killed process is started again: both starts are within one window, and the rates so low that
    // it is mostly full.
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly ChangingLimit concurrency = new("'changing'", 5);
    private readonly ChangingLimit worker = new("'rated' in a worker", WorkerMax);
    private readonly ChangingLimit all = new("'partitioned'", 4);
    private readonly ChangingLimit each = new("'partitioned' in a partition", 1);
    private readonly ChangingLimit windowed = new("'windowed' in a partition and a worker", WindowedMax);
    private readonly ChangingLimit ordered = new("'ordered'", 1);
    private readonly ChangingRate rate = new(RateStarts, Window);
    private readonly ChangingRate windowRate = new(WindowStarts, Window);
    private readonly Pausing pausing = new();
    private readonly QueueOrder order = new();

    /// <summary>The limits of what runs at once that hold.</summary>
    public IReadOnlyList<ChangingLimit> Limits =>
        parks ? [concurrency, all, each, ordered] : [concurrency, worker, all, each, windowed, ordered];

    public PartitionTurns Turns { get; } = new(Partitions, processes);

    public IEnumerable<WorkflowQueue> Queues =>
        [ChangingQueue, RatedQueue, PartitionedQueue, WindowedQueue, new(Ordered) { Concurrency = ordered.Value }];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private WorkflowQueue ChangingQueue => new(Changing) { Concurrency = concurrency.Value };

    private WorkflowQueue RatedQueue => new(Rated) { RateLimit = rate.Value, WorkerConcurrency = worker.Value };

    private WorkflowQueue PartitionedQueue => new(Partitioned) { PartitionConcurrency = each.Value, Concurrency = all.Value };

    private WorkflowQueue WindowedQueue => new(Windowed)
    {
        PartitionRateLimit = windowRate.Value,
        PartitionWorkerConcurrency = windowed.Value,
    };

    /// <summary>Changes one of the limits, or pauses a queue or ends its pause.</summary>
    public Task ChangeAsync(QueueClient queues, Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                concurrency.Change(random.Next(1, ConcurrencyMax + 1));
                return RegisterAsync(queues, ChangingQueue);
            case 1:
                worker.Change(random.Next(1, WorkerMax + 1));
                return RegisterAsync(queues, RatedQueue);
            case 2:
                all.Change(random.Next(EachMax, AllMax + 1));
                return RegisterAsync(queues, PartitionedQueue);
            case 3:
                each.Change(random.Next(1, EachMax + 1));
                return RegisterAsync(queues, PartitionedQueue);
            case 4:
                windowed.Change(random.Next(1, WindowedMax + 1));
                return RegisterAsync(queues, WindowedQueue);
            case 5:
                return ChangeRateAsync(queues, random.Next(RateStarts / 2, RateStarts + 1));
            case 6:
                return ChangeWindowRateAsync(queues, random.Next(WindowStarts / 2, WindowStarts + 1));
            default:
                return pausing.ToggleAsync(ClockAsync, paused => PauseAsync(queues, paused));
        }
    }

    /// <summary>Lets everything come to its end.</summary>
    public async Task EndAsync(QueueClient queues)
    {
        await pausing.EndAsync(ClockAsync, paused => PauseAsync(queues, paused));
        await ChangeRateAsync(queues, EndStarts);
        await ChangeWindowRateAsync(queues, EndStarts);
    }

    /// <summary>Whether a workflow may leave memory while it waits.</summary>
    public bool MayPark(QueuedRow row) => parks && row.Queue is Rated or Windowed;

    public StartOptions Start(Random random) => random.Next(5) switch
    {
        0 => new() { Queue = Changing },
        1 => new() { Queue = Rated },
        2 => new() { Queue = Partitioned, PartitionKey = $"p{random.Next(Partitions)}" },
        3 => new() { Queue = Windowed, PartitionKey = $"w{random.Next(Windows)}" },
        _ => new() { Queue = Ordered, Priority = random.Next(3) },
    };

    /// <summary>Asserts every limit, the order and the turns; it is to be called with each look.</summary>
    public void Check(QueueLook look, int kills)
    {
        CheckRunning(look);
        rate.Check(look.StartsOf(Rated));
        pausing.Check(look.StartsOf(Changing));
        for (var number = 0; number < Windows; number++)
        {
            windowRate.Check(look.StartsOf(Windowed, $"w{number}"));
        }

        order.Check(look);
        Turns.Check(look, Partitioned, each.Value, kills);
    }

    private void CheckRunning(QueueLook look)
    {
        concurrency.Check(Running(Changing).Count());
        all.Check(Running(Partitioned).Count());
        each.Check(Most(Running(Partitioned).CountBy(row => row.Partition!)));
        ordered.Check(Running(Ordered).Count());
        if (!parks)
        {
            worker.Check(Most(Running(Rated).CountBy(row => row.Executor!)));
            windowed.Check(Most(Running(Windowed).CountBy(row => (row.Partition, row.Executor))));
        }

        IEnumerable<QueuedRow> Running(string queue) => look.ByQueue[queue].Where(row => row.Runs);
    }

    private Task ChangeRateAsync(QueueClient queues, int starts) =>
        rate.ChangeAsync(starts, ClockAsync, to => RegisterAsync(queues, RatedQueue with { RateLimit = to }));

    private Task ChangeWindowRateAsync(QueueClient queues, int starts) =>
        windowRate.ChangeAsync(starts, ClockAsync, to => RegisterAsync(queues, WindowedQueue with { PartitionRateLimit = to }));

    private static Task RegisterAsync(QueueClient queues, WorkflowQueue queue) => queues.RegisterAsync(queue, cancellationToken: Cancel);

    private static Task PauseAsync(QueueClient queues, bool paused) =>
        paused ? queues.PauseAsync(Changing, Cancel) : queues.ResumeAsync(Changing, Cancel);

    private static int Most<T>(IEnumerable<KeyValuePair<T, int>> counts) => counts.Select(count => count.Value).DefaultIfEmpty().Max();

    private Task<long> ClockAsync() => QueueLook.ClockAsync(database);
}
