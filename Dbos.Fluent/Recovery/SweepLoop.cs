using Dbos.Fluent.Execution;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Recovery;

/// <summary>
/// Once a second, cancels any owner's workflows that are past their deadline, and looks for running workflows that were cancelled or taken.
/// </summary>
internal sealed class SweepLoop(
    IWorkflowStore store,
    string applicationName,
    RunningWorkflows running,
    Wakeups wakeups,
    CancelError deadlineError,
    ILogger logger) : IAsyncDisposable
{
    private const int ExpiredMax = 1000;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly AsyncSignal wake = new();
    private volatile bool anyExpired;
    private readonly BackgroundLoop loop = new();

    /// <summary>Called with the ids of workflows whose deadline has passed.</summary>
    public required Action<IReadOnlyList<string>> Expired { get; init; }

    public void Start() => loop.Start(SweepAsync, logger.SweepFailed, rest: TimeSpan.Zero);

    /// <summary>Records whether any workflow is past its deadline; the outlook reads this.</summary>
    public void Saw(bool deadlinePassed)
    {
        if (deadlinePassed)
        {
            anyExpired = true;
            wake.Set();
        }
    }

    /// <summary>Checks now, as a running workflow may have been cancelled elsewhere.</summary>
    public void Wake() => wake.Set();

    public async ValueTask DisposeAsync()
    {
        await loop.DisposeAsync().ConfigureAwait(false);
        wake.Dispose();
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        await wake.WaitAsync(Interval, cancellationToken).ConfigureAwait(false);
        if (anyExpired)
        {
            anyExpired = false;
            await ExpireAsync(cancellationToken).ConfigureAwait(false);
        }

        await StopLostAsync(cancellationToken).ConfigureAwait(false);
        wakeups.Outcomes.LookAtAll();
    }

    private async Task ExpireAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<string> ids;
        do
        {
            var begun = running.Begun;
            ids = await store.CancelExpiredAsync(applicationName, ExpiredMax, deadlineError, cancellationToken).ConfigureAwait(false);
            foreach (var id in ids)
            {
                running.Stop(id, CancellationReason.DeadlineExceeded, begun);
                wakeups.Outcomes.LookAt(id);
            }

            Expired(ids);
        }
        while (ids.Count == ExpiredMax);
    }

    /// <summary>Stops the runs here that no longer own their row.</summary>
    public async Task StopLostAsync(CancellationToken cancellationToken)
    {
        var executions = running.Executions;
        if (executions.Count == 0)
        {
            return;
        }

        var tokens = executions.ToDictionary(execution => execution.WorkflowId, StringComparer.Ordinal);
        foreach (var lost in await store.ReadLostAsync(executions, cancellationToken).ConfigureAwait(false))
        {
            // By token, as the workflow may have been resumed here in the meantime.
            running.Stop(tokens[lost.WorkflowId], LostReasons.Of(lost));
        }
    }
}
