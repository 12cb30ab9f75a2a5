using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Messaging;

/// <summary>
/// Announces wake-ups to other processes: what has gathered while the last announcement was under way goes out in one statement.
/// </summary>
/// <remarks>
/// Never part of a commit: NOTIFY takes a lock that makes commits wait for one another. Announcements in quick succession are spaced a
/// little, since each is a commit of its own. A lost one costs a covering poll, nothing else.
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

        // Nobody awaits it: a failure is logged, and covered by the polls of those who would have been woken.
        _ = SendGatheredAsync();
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
                // Wake-ups are hints; the polls behind them carry the truth.
                logger.AnnouncementFailed(exception);
            }
        }
    }

    // A connection that was lost while nobody used it shows at its next use, and another try has another. More than a few would hold up
    // what has gathered since until long after the database is back; whoever listens looks at everything once it is.
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
                return null;
            }

            var taken = gathered;
            gathered = [];
            return taken.Count(signal => signal.Kind == StoreSignalKind.Completed) > CompletedMax ? Collapse(taken) : taken;
        }
    }

    // Under load, one signal that says "some have ended" costs less than naming each, here and at every listener.
    private static List<StoreSignal> Collapse(IEnumerable<StoreSignal> signals) =>
        [.. signals.Where(signal => signal.Kind != StoreSignalKind.Completed), new StoreSignal(StoreSignalKind.Completed, "")];
}
