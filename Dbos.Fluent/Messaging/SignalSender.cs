using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Messaging;

/// <summary>Announces wake-ups to other processes; signals that gather during one announcement go out together in the next.</summary>
/// <remarks>
/// Announcements are never part of a commit, as NOTIFY takes a lock that makes commits wait for one another. They are spaced a little,
/// since each is a commit of its own. A lost announcement costs a covering poll, nothing else.
/// </remarks>
internal sealed class SignalSender(ISignalStore store, ILogger logger, CancellationToken stopped)
{
    private const int CompletedMax = 50;
    private const int RetriesMax = 2;
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(4);

    private readonly Lock gate = new();
    private HashSet<StoreSignal> gathered = [];
    private long lastSent;
    private bool sending;
    private TaskCompletionSource? rest;

    public void Announce(StoreSignal signal)
    {
        lock (gate)
        {
            gathered.Add(signal);
            if (sending)
            {
                return;
            }

            sending = true;
        }

        // Not awaited: a failure is logged, and the polls of the processes concerned cover it.
        _ = SendGatheredAsync();
    }

    /// <summary>Completes when everything reported so far was sent, or after the time limit.</summary>
    /// <remarks>Without it, a program that enqueues a workflow and ends at once would leave it to the polls of the others.</remarks>
    public async Task FlushAsync(TimeSpan limit)
    {
        Task sent;
        lock (gate)
        {
            sent = sending ? (rest ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }

        await sent.WaitAsync(limit, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task SendGatheredAsync()
    {
        while (true)
        {
            try
            {
                await SpaceAsync().ConfigureAwait(false);
                if (Take() is not { } signals)
                {
                    return;
                }

                await SendAsync(signals).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopped.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Wake-ups are only hints; the polls guarantee that nothing is missed.
                logger.AnnouncementFailed(exception);
            }
        }
    }

    // A connection that broke while idle fails at its next use, and a retry gets another connection. More than a few retries would delay
    // newer signals until long after the database is back. Listeners look at everything once it is.
    private async Task SendAsync(IReadOnlyCollection<StoreSignal> signals)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                await store.AnnounceAsync(signals, stopped).ConfigureAwait(false);
                return;
            }
            catch (StoreUnavailableException) when (failures < RetriesMax)
            {
                await Task.Delay(StoreBackoff.DelayAfter(failures), TimeProvider.System, stopped).ConfigureAwait(false);
            }
        }
    }

    private async Task SpaceAsync()
    {
        var since = TimeProvider.System.GetElapsedTime(lastSent);
        if (lastSent != 0 && since < Spacing)
        {
            await Task.Delay(Spacing - since, TimeProvider.System, stopped).ConfigureAwait(false);
        }

        lastSent = TimeProvider.System.GetTimestamp();
    }

    private IReadOnlyCollection<StoreSignal>? Take()
    {
        lock (gate)
        {
            if (gathered.Count == 0)
            {
                sending = false;
                rest?.TrySetResult();
                rest = null;
                return null;
            }

            var taken = gathered;
            gathered = [];
            return taken.Count(signal => signal.Kind == StoreSignalKind.Completed) > CompletedMax ? Collapse(taken) : taken;
        }
    }

    // Under load, one signal that says "some have ended" costs less than naming each workflow, here and at every listener.
    private static List<StoreSignal> Collapse(IEnumerable<StoreSignal> signals) =>
        [.. signals.Where(signal => signal.Kind != StoreSignalKind.Completed), new StoreSignal(StoreSignalKind.Completed, "")];
}
