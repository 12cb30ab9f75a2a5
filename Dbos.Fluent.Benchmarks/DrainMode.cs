using System.Diagnostics;
using System.Globalization;

namespace Dbos.Fluent.Benchmarks;

/// <summary>How quickly a backlog is put into a queue, and how quickly one process works it off under limits of several kinds.</summary>
internal static class DrainMode
{
    private static readonly WorkflowDefinition<int, int> Single =
        Workflow.Define<int, int>("single").Step("one", x => StepAsync(x.Input)).As(out var one).Return(x => x.Get(one));

    private static readonly WorkflowQueue Open = new("open");
    private static readonly WorkflowQueue Ten = new("ten") { Concurrency = 10 };
    private static readonly WorkflowQueue One = new("one") { Concurrency = 1 };
    private static readonly WorkflowQueue Workers = new("workers") { WorkerConcurrency = 100 };
    private static readonly WorkflowQueue Partitions = new("partitions") { PartitionConcurrency = 1 };

    private static int steps;

    public static async Task<int> RunAsync(Arguments run)
    {
        var n = run.Number("n", 20_000);
        var enqueued = new Figures("StartManyAsync, 5,000 at a time", "enqueues/s");
        var drains = new (WorkflowQueue Queue, int Count, int Partitions, Figures Figures)[]
        {
            (Open, n, 0, new Figures($"drain {n}, no limits", "workflows/s")),
            (Workers, n, 0, new Figures($"drain {n}, WorkerConcurrency 100", "workflows/s")),
            (Ten, n, 0, new Figures($"drain {n}, Concurrency 10", "workflows/s")),
            (One, n, 0, new Figures($"drain {n}, Concurrency 1", "workflows/s")),
            (Partitions, n, 2000, new Figures($"drain {n} of 2,000 partitions, PartitionConcurrency 1", "workflows/s")),
        };
        if (run.Values.TryGetValue("queue", out var only))
        {
            drains = [.. drains.Where(drain => drain.Queue.Name == only)];
        }

        var insert = Figures.Insert();
        await Rounds.RunAsync(run, 3, RoundAsync, [insert, enqueued, .. drains.Select(drain => drain.Figures)]);
        enqueued.Print();
        foreach (var drain in drains)
        {
            drain.Figures.Print();
        }

        Figures.PrintBeside(insert, [enqueued, .. drains.Select(drain => drain.Figures)]);
        Console.WriteLine($"resident {Environment.WorkingSet / 1048576.0:0.0} MiB");
        return 0;

        async Task RoundAsync()
        {
            foreach (var drain in drains)
            {
                insert.Add(await BareInserts.OneAsync(run));
                await using (var filler = await LaunchAsync(run, serves: false))
                {
                    var rate = await FillAsync(filler, drain.Queue, drain.Count, drain.Partitions);
                    if (drain.Queue == drains[0].Queue)
                    {
                        enqueued.Add(rate);
                    }
                }

                drain.Figures.Add(await DrainAsync(run, drain.Queue, drain.Count));
            }
        }
    }

    private static Task<int> StepAsync(int input)
    {
        Interlocked.Increment(ref steps);
        return Task.FromResult(input);
    }

    private static async Task<double> FillAsync(WorkflowEngine engine, WorkflowQueue queue, int n, int partitions)
    {
        var clock = Stopwatch.StartNew();
        foreach (var chunk in Enumerable.Range(0, n).Chunk(5000))
        {
            await engine.StartManyAsync(Single, chunk.Select(i => (i, (StartOptions?)new StartOptions
            {
                Queue = queue,
                PartitionKey = partitions == 0 ? null : (i % partitions).ToString(CultureInfo.InvariantCulture),
            })));
        }

        return n / clock.Elapsed.TotalSeconds;
    }

    // From the end of the launch, as the anchors were taken. The rows are counted only once all steps have run: to count a backlog again
    // and again would take the server's time from the drain.
    private static async Task<double> DrainAsync(Arguments run, WorkflowQueue queue, int n)
    {
        steps = 0;
        await using var engine = await LaunchAsync(run, serves: true);
        var clock = Stopwatch.StartNew();
        while (Volatile.Read(ref steps) < n)
        {
            await Task.Delay(10);
        }

        for (var left = 1L; left > 0;)
        {
            await Task.Delay(10);
            var status = (await engine.Queues.GetAsync(queue.Name))!;
            left = status.Waiting + status.Running;
        }

        return n / clock.Elapsed.TotalSeconds;
    }

    private static Task<WorkflowEngine> LaunchAsync(Arguments run, bool serves) => WorkflowEngine.LaunchAsync(options =>
    {
        run.Use(options);
        options.Add(Single);
        options.Add(Open, Ten, One, Workers, Partitions);
        options.ListenTo = serves ? null : [];
    });
}
