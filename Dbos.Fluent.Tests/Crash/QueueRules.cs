using System.Globalization;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>Queues with limits of every kind, and what must hold of them at every moment, as the database shows it.</summary>
internal sealed class QueueRules(TestDatabase database)
{
    /// <summary>No more run at once, in all processes together, as all limits at their highest allow.</summary>
    public const int RunningMax = ConcurrencyMax + (3 * WorkerMax) + 4 + 1;

    private const string Changing = "changing";
    private const string Rated = "rated";
    private const string Partitioned = "partitioned";
    private const string Ordered = "ordered";
    private const int RateStarts = 40;
    private const int RateMs = 1000;
    private const int Partitions = 6;
    private const int WorkerMax = 4;
    private const int ConcurrencyMax = 7;

    // Three processes, each of which goes round all partitions by itself, and one more round of each for what changes meanwhile.
    private const int TurnsMax = 3 * 2 * Partitions;

    // A lower limit stops nothing that runs: until fewer run, the higher one counts.
    private int concurrency = 5;
    private int allowed = 5;

    public IEnumerable<WorkflowQueue> Queues =>
    [
        new(Changing) { Concurrency = concurrency },
        new(Rated) { RateLimit = new(RateStarts, TimeSpan.FromMilliseconds(RateMs)), WorkerConcurrency = WorkerMax },
        new(Partitioned) { PartitionConcurrency = 1, Concurrency = 4 },
        new(Ordered) { Concurrency = 1 },
    ];

    public WorkflowQueue ChangeConcurrency(int limit)
    {
        concurrency = limit;
        allowed = Math.Max(allowed, limit);
        return new WorkflowQueue(Changing) { Concurrency = limit };
    }

    public StartOptions Start(Random random) => random.Next(4) switch
    {
        0 => new() { Queue = Changing },
        1 => new() { Queue = Rated },
        2 => new() { Queue = Partitioned, PartitionKey = $"p{random.Next(Partitions)}" },
        _ => new() { Queue = Ordered, Priority = random.Next(3) },
    };

    /// <summary>Asserts every limit, from one look at the database.</summary>
    public async Task CheckAsync()
    {
        var running = await database.QueryAsync(
            "SELECT queue_name, count(*), count(DISTINCT queue_partition_key) FROM workflow_status "
            + "WHERE status = 'PENDING' GROUP BY queue_name");
        foreach (var row in running)
        {
            var (count, partitions) = (Number(row[1]), Number(row[2]));
            switch (row[0])
            {
                case Changing:
                    Assert.True(count <= allowed, $"{count} run where {allowed} may");
                    allowed = count <= concurrency ? concurrency : allowed;
                    break;
                case Partitioned:
                    Assert.True(count <= 4, $"{count} run where 4 may");
                    Assert.Equal(partitions, count);
                    break;
                case Ordered:
                    Assert.True(count <= 1, $"{count} run where one may");
                    break;
            }
        }

        await CheckRateAsync();
        var workers = await database.QueryAsync(
            $"SELECT count(*) FROM workflow_status WHERE status = 'PENDING' AND queue_name = '{Rated}' GROUP BY executor_id");
        Assert.All(workers, row => Assert.True(Number(row[0]) <= WorkerMax, $"{row[0]} run in one process where {WorkerMax} may"));
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

    // A start that was recovered stands at its last claim, for which all the others counted too: so the rule holds of what is seen.
    private async Task CheckRateAsync()
    {
        var rows = await database.QueryAsync(
            $"SELECT started_at_epoch_ms FROM workflow_status WHERE queue_name = '{Rated}' AND started_at_epoch_ms IS NOT NULL ORDER BY 1");
        var starts = rows.ConvertAll(row => Number(row[0]));
        for (var i = 0; i + RateStarts < starts.Count; i++)
        {
            Assert.True(
                starts[i + RateStarts] - starts[i] >= RateMs,
                $"{RateStarts + 1} were started within {starts[i + RateStarts] - starts[i]} ms");
        }
    }

    private static long Number(string? text) => long.Parse(text!, CultureInfo.InvariantCulture);
}
