using System.Diagnostics;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent.Benchmarks;

/// <summary>What one claim of a hundred takes where few wait and where very many do: the store's statement alone, nothing is run.</summary>
internal static class ClaimsMode
{
    private const int Few = 1000;
    private const int Batch = 100;

    public static async Task<int> RunAsync(Arguments run)
    {
        var many = run.Number("n", 1_000_000);
        var foreign = run.Number("foreign", 500_000);
        Line[] lines =
        [
            .. new[] { Few, many }.SelectMany(waiting => new Line[]
            {
                new(new($"open-{waiting}"), waiting),
                new(new($"limited-{waiting}") { Concurrency = 2 * Batch }, waiting),
                new(new($"rated-{waiting}") { RateLimit = new(int.MaxValue, TimeSpan.FromSeconds(1)) }, waiting),
                new(new($"partitions-{waiting}") { PartitionConcurrency = 1 }, waiting),
            }),
        ];
        Line[] behind =
        [
            new(new("open-behind"), Few, foreign),
            new(new("limited-behind") { Concurrency = 2 * Batch }, Few, foreign),
            new(new("partitions-behind") { PartitionConcurrency = 1 }, Few, foreign),
        ];
        Line[] all = [.. lines, .. behind];
        await RegisterAsync(run, [.. all.Select(line => line.Queue)]);
        await using var rows = new ClaimRows(run);
        await rows.OpenAsync();
        foreach (var line in all)
        {
            await rows.EnqueueAsync(line.Queue, line.Foreign, ofAnother: true);
            await rows.EnqueueAsync(line.Queue, line.Waiting);
        }

        await rows.SettleAsync();
        await using var store = PostgresChoice.Of(run.Postgres!, "dbos").Open(new StoreOptions { Logger = NullLogger.Instance });
        await Rounds.RunAsync(run, 3, RoundAsync, [.. all.Select(line => line.Figures)]);
        foreach (var (few, full) in lines.Take(lines.Length / 2).Zip(lines.Skip(lines.Length / 2)))
        {
            few.Figures.Print();
            full.Figures.Print();
            full.Figures.PrintRatio(few.Figures);
        }

        foreach (var line in behind)
        {
            line.Figures.Print();
        }

        return 0;

        async Task RoundAsync()
        {
            foreach (var line in all)
            {
                line.Figures.Add(await line.ClaimAsync(store.Claims, rows, run.Number("claims", 50)));
            }
        }
    }

    // An engine that serves nothing makes the tables and the queues' rows.
    private static async Task RegisterAsync(Arguments run, WorkflowQueue[] queues)
    {
        await using var engine = await WorkflowEngine.LaunchAsync(options =>
        {
            run.Use(options);
            options.Add(queues);
            options.ListenTo = [];
        });
    }

    /// <summary>A queue in which so many wait all the time, perhaps behind those of another version.</summary>
    private sealed class Line(WorkflowQueue queue, int waiting, int foreign = 0)
    {
        private string after = "";

        public WorkflowQueue Queue => queue;

        public int Waiting => waiting;

        public int Foreign => foreign;

        public Figures Figures { get; } = new(
            $"claim {Batch} of {waiting} from '{queue.Name}'{(foreign > 0 ? $" behind {foreign} of another version" : "")} (p50)", "ms");

        public async Task<double> ClaimAsync(IClaimStore claims, ClaimRows rows, int times)
        {
            var took = new List<double>();
            for (var i = 0; i < times; i++)
            {
                var begun = Stopwatch.GetTimestamp();
                var claimed = await ClaimOnceAsync(claims);
                took.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
                if (claimed != Batch)
                {
                    throw new InvalidOperationException($"{claimed} were claimed from '{queue.Name}', not {Batch}.");
                }

                await rows.TurnOverAsync(queue, claimed);
            }

            return took.Order().ElementAt(times / 2);
        }

        private async Task<int> ClaimOnceAsync(IClaimStore claims)
        {
            var request = new ClaimRequest
            {
                Token = Guid.NewGuid().ToString(),
                ExecutorId = "benchmark",
                ApplicationName = "benchmarks",
                ApplicationVersion = "1",
                WorkflowNames = ["single"],
                Queues = [queue.Name],
                Limit = Batch,
                RecoveryAttemptsMax = 100,
            };
            if (!queue.IsLimited)
            {
                return (await claims.ClaimAsync(request, CancellationToken.None)).Claimed.Count;
            }

            var claim = await claims.ClaimLimitedAsync(request, new QueueShare(queue.Name, 0, [], after), CancellationToken.None);
            after = claim.LastPartition;
            return claim.Result.Claimed.Count;
        }
    }
}
