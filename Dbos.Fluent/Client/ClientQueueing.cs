using System.Data.Common;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>Starts workflows that wait in queues, and changes them while they wait. Arguments are already checked.</summary>
internal sealed class ClientQueueing(ClientCore core, IStarts starts)
{
    public async Task<IReadOnlyList<string>> StartManyAsync(IReadOnlyList<StartRequest> requests, CancellationToken cancellationToken)
    {
        // Created together, so that starts on one queue share one lookup of it.
        var units = await Task.WhenAll(requests.Select(request => starts.UnitAsync(request, cancellationToken).AsTask()))
            .ConfigureAwait(false);
        if (units.Length == 0)
        {
            return [];
        }

        var batch = new StartBatch(requests, units);
        while (batch.Open is { Length: > 0 } open)
        {
            // The rows carry the same tokens on each try, so a try whose answer was lost is recognised.
            StartUnit[] tried = [.. open.Select(i => units[i])];
            var results = await core.Calls.RepeatAsync(
                "start workflows", (_, token) => core.Store.Queues.StartManyAsync(tried, token), cancellationToken)
                .ConfigureAwait(false);
            batch.Settle(open, results);
        }

        Tell(units);
        return batch.Ids;
    }

    public async Task<string> StartInTransactionAsync(DbTransaction transaction, StartRequest request, CancellationToken cancellationToken)
    {
        var unit = await starts.UnitAsync(request, cancellationToken).ConfigureAwait(false);
        var result = await core.Calls.UseAsync(
            "start a workflow", token => core.Store.Outbox.StartAsync(transaction, unit, token), cancellationToken).ConfigureAwait(false);
        return StartRefusals.IdOf(result, request);
    }

    public Task<bool> SetPriorityAsync(string workflowId, int priority, CancellationToken cancellationToken) =>
        core.Calls.RepeatAsync(
            "set a priority", (_, token) => core.Store.Queues.SetPriorityAsync(workflowId, priority, token), cancellationToken);

    public async Task<bool> SetDelayAsync(string workflowId, DelayEnd end, CancellationToken cancellationToken)
    {
        var isSet = await core.Calls.RepeatAsync(
            "set a delay", (_, token) => core.Store.Queues.SetDelayAsync(workflowId, end, token), cancellationToken).ConfigureAwait(false);
        if (isSet)
        {
            core.Signals.Announce(new StoreSignal(StoreSignalKind.Enqueued, ""));
        }

        return isSet;
    }

    /// <summary>Writes a debounced start and returns the id of the workflow that will run.</summary>
    public async Task<string> DebounceAsync(StartRequest request, long? atMostMs, CancellationToken cancellationToken)
    {
        var start = await starts.UnitAsync(request, cancellationToken).ConfigureAwait(false);
        var unit = new DebounceUnit(start.Row, atMostMs);
        var result = await core.Calls.UseAsync("debounce a start", token => core.Write(unit).WaitAsync(token), cancellationToken)
            .ConfigureAwait(false);
        var id = Debouncing.IdOf(result, request);
        core.Signals.Written(unit);
        return id;
    }

    private void Tell(IEnumerable<StartUnit> units)
    {
        foreach (var signal in units.SelectMany(Messaging.StoreSignals.Of).Distinct())
        {
            core.Signals.Announce(signal);
        }
    }
}
