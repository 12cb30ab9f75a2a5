using Npgsql;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>Looks now and then, while there are faults and after them, at how many workflows of the limited queue run at once.</summary>
internal sealed class ChaosQueueWatch(string connectionString)
{
    /// <summary>How many may.</summary>
    public static readonly int Limit = ChaosWorkflows.Queue.Concurrency!.Value;

    private readonly SortedDictionary<long, int> looks = [];

    /// <summary>How many ran at most; 0 if it never looked.</summary>
    public long Most => looks.Keys.LastOrDefault();

    /// <summary>How many ran at how many of the looks.</summary>
    public string Summary => string.Join(", ", looks.Select(look => $"{look.Key} at {look.Value}"));

    public async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            var running = await ChaosRows.CountQueuedRunningAsync(connectionString, ChaosWorkflows.Queue.Name, cancellationToken);
            looks[running] = looks.GetValueOrDefault(running) + 1;
        }
        catch (NpgsqlException)
        {
            // The server is being restarted, or this connection was chosen too.
        }
    }
}
