using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>Runs what was claimed, and says how much more this process has room for.</summary>
internal sealed class ClaimedRuns(IStore store, RunEnvironment environment, RunningWorkflows running, IChildStarter starter)
{
    /// <summary>Runs that may be busy at once; waiting ones do not count.</summary>
    private const int Capacity = 1000;

    private const int ClaimMax = 250;

    /// <summary>Called with a claimed execution that could not be begun.</summary>
    public Action<Ownership> NotBegun { get; set; } = _ => { };

    /// <summary>How many workflows may be claimed now; none if the process is full, or has the code of none.</summary>
    public int Room => environment.Registry.Names.Count == 0 ? 0 : Math.Min(ClaimMax, Capacity - running.Busy);

    /// <summary>A claim for this engine, with a token of its own.</summary>
    public ClaimRequest Request(int limit) => new()
    {
        Token = Guid.CreateVersion7().ToString(),
        ExecutorId = environment.ExecutorId,
        ApplicationName = environment.ApplicationName,
        ApplicationVersion = environment.ApplicationVersion,
        WorkflowNames = environment.Registry.Names,
        Limit = limit,
    };

    /// <summary>Begins claimed workflows. Whatever goes wrong, a row that is ours and that nobody runs does not stay so.</summary>
    public async Task BeginAsync(IReadOnlyList<ClaimedWorkflow> claimed, CancellationToken cancellationToken)
    {
        if (claimed.Count == 0)
        {
            return;
        }

        var begun = 0;
        try
        {
            // One query for the histories of the whole claim; those that never ran have none.
            string[] ids = [.. claimed.Select(work => work.Id)];
            var histories = await StoreBackoff.RepeatAsync(
                _ => store.Claims.ReadHistoriesAsync(ids, cancellationToken), cancellationToken).ConfigureAwait(false);
            for (; begun < claimed.Count; begun++)
            {
                running.Begin(claimed[begun], histories.GetValueOrDefault(claimed[begun].Id, []), environment, starter);
            }
        }
        finally
        {
            foreach (var work in claimed.Skip(begun))
            {
                NotBegun(new Ownership(work.Id, work.Token));
            }
        }
    }
}
