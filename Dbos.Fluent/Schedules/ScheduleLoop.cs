using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Schedules;

/// <summary>Follows the application's schedules: at each moment of a schedule, enqueues its workflow.</summary>
/// <remarks>
/// Every engine does this, without a leader. The workflow's id follows from the moment, and the schedule's row is locked while it fires.
/// The first engine starts the workflow; for all others the moment has fired. Schedules are read again when a change is announced, and by a
/// covering poll.
/// </remarks>
internal sealed class ScheduleLoop : IAsyncDisposable
{
    private static readonly TimeSpan WaitingInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FiringMax = TimeSpan.FromSeconds(5);

    private readonly IScheduleStore store;
    private readonly RunEnvironment environment;
    private readonly ScheduleFiring firing;
    private readonly TimeSpan pollInterval;
    private readonly AsyncSignal wake = new();
    private readonly BackgroundLoop loop = new();
    private readonly MomentTimer timer;
    private readonly Dictionary<string, SchedulePlan> plans = new(StringComparer.Ordinal);
    private readonly HashSet<string> warned = new(StringComparer.Ordinal);
    private long lastRead;
    private readonly Lock gate = new();
    private DateTimeOffset? changedAt;
    private DateTimeOffset? readAt;
    private volatile bool stale;
    private volatile bool anyWaiting;
    private bool anyFailed;

    /// <param name="store">The schedules.</param>
    /// <param name="environment">The engine's clock, names and log.</param>
    /// <param name="firing">Starts due moments.</param>
    /// <param name="pollInterval">How often schedules are read without a signal.</param>
    public ScheduleLoop(IScheduleStore store, RunEnvironment environment, ScheduleFiring firing, TimeSpan pollInterval)
    {
        (this.store, this.environment, this.firing) = (store, environment, firing);
        this.pollInterval = pollInterval < WaitingInterval ? WaitingInterval : pollInterval;
        timer = new MomentTimer(environment.Clock, environment.Logger, wake.Set, loop.Stopping);
    }

    /// <summary>Begins to follow the schedules: they fire every moment from the beginning of this call on.</summary>
    public Task BeginAsync(CancellationToken cancellationToken)
    {
        NoteChange();
        return ReadAsync(cancellationToken);
    }

    public void Start() => loop.Start(TurnAsync, Failed, rest: WaitingInterval);

    /// <summary>Reports that a schedule may have changed. Its moments count from now on, not from when the change is read.</summary>
    public void Changed()
    {
        NoteChange();
        wake.Set();
    }

    /// <summary>Reports that a workflow has ended; a moment may wait for it.</summary>
    public void Ended(string workflowId)
    {
        if (anyWaiting && (workflowId.Length == 0 || workflowId.StartsWith("sched-", StringComparison.Ordinal)))
        {
            wake.Set();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await loop.DisposeAsync().ConfigureAwait(false);
        timer.Dispose();
        wake.Dispose();
    }

    private async Task TurnAsync(CancellationToken cancellationToken)
    {
        await FollowAsync(cancellationToken).ConfigureAwait(false);
        await wake.WaitAsync(anyWaiting || anyFailed ? WaitingInterval : pollInterval, cancellationToken).ConfigureAwait(false);
    }

    private void Failed(Exception exception)
    {
        environment.Logger.ScheduleLoopFailed(exception);
        stale = true;
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        if (stale || TimeProvider.System.GetElapsedTime(lastRead) >= pollInterval)
        {
            await ReadAsync(cancellationToken).ConfigureAwait(false);
        }

        // A schedule that failed is retried later, and is no moment to wait for. A moment that became due while others fired is.
        var now = environment.Clock.UtcNow;
        (anyFailed, var more) = (false, false);
        foreach (var plan in plans.Values)
        {
            more |= await FireAsync(plan, cancellationToken).ConfigureAwait(false);
        }

        var next = plans.Values.Where(plan => plan.Next > now).Min(plan => plan.Next);
        anyWaiting = plans.Values.Any(plan => plan.Waiting is not null);
        timer.Set(stale || more ? environment.Clock.NowMs : next?.ToUnixTimeMilliseconds());
    }

    /// <summary>Fires the due moments of one schedule. If something blocks it, the other schedules are not delayed for long.</summary>
    /// <returns>True if more moments of the schedule are due.</returns>
    private async Task<bool> FireAsync(SchedulePlan plan, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(FiringMax);
        try
        {
            if (!await firing.FireDueAsync(plan, limit.Token).ConfigureAwait(false))
            {
                // The schedule was paused, deleted or changed in the meantime, and no signal has arrived yet.
                stale = true;
                return false;
            }

            return plan.Next <= environment.Clock.UtcNow;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            environment.Logger.TickFailed(plan.Row.Name, plan.Next ?? environment.Clock.UtcNow, exception);
            anyFailed = true;
            return false;
        }
    }

    private void NoteChange()
    {
        lock (gate)
        {
            changedAt ??= environment.Clock.UtcNow;
            stale = true;
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var now = environment.Clock.UtcNow;
        DateTimeOffset since;
        DateTimeOffset before;
        lock (gate)
        {
            since = changedAt ?? now;
            before = readAt < since ? readAt.Value : since;
            (changedAt, stale) = (null, false);
        }

        var rows = await ReadRowsAsync(since, cancellationToken).ConfigureAwait(false);
        (lastRead, readAt) = (TimeProvider.System.GetTimestamp(), now);
        var followed = rows.Where(firing.IsOurs).Where(row => !row.Paused).ToDictionary(row => row.Name, StringComparer.Ordinal);
        foreach (var name in plans.Keys.Where(name => !followed.ContainsKey(name)).ToArray())
        {
            plans.Remove(name);
        }

        foreach (var row in followed.Values)
        {
            if (!plans.TryGetValue(row.Name, out var plan) || !plan.TryUpdate(row))
            {
                // A schedule may have been paused and resumed without a signal. Its row holds the moment of the resume, so moments since
                // then count, though the change is seen only now.
                Begin(row, plan is null && row.LastFiredAtMs is not null ? before : since, plan);
            }
        }
    }

    private async Task<IReadOnlyList<ScheduleRow>> ReadRowsAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        try
        {
            return await StoreBackoff.RepeatAsync(
                _ => store.ReadAllAsync(environment.ApplicationName, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // The changes since then are still unread, and their moments count from then.
            lock (gate)
            {
                (changedAt, stale) = (since, true);
            }

            throw;
        }
    }

    private void Begin(ScheduleRow row, DateTimeOffset since, SchedulePlan? former)
    {
        plans.Remove(row.Name);
        try
        {
            plans[row.Name] = SchedulePlan.Begin(row, since, catchUp: former is null || former.NamesSameMoments(row));
            warned.Remove(row.Name);
        }
        catch (ArgumentException exception)
        {
            if (warned.Add(row.Name))
            {
                environment.Logger.ScheduleUnreadable(row.Name, row.Cron, row.TimeZone, exception);
            }
        }
    }
}
