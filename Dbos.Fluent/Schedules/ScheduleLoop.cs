using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Schedules;

/// <summary>Follows the schedules of the application: at each moment that one names, its workflow is put into its queue.</summary>
/// <remarks>
/// Every engine does so, without a leader: the workflow's id follows from the moment, and the schedule's row is locked while it fires, so
/// whoever is first starts it and for all others it has fired. Schedules are read again when a change is announced, and by a covering poll.
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
    private readonly CancellationTokenSource stopping = new();
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
    private Task loop = Task.CompletedTask;

    /// <param name="store">The schedules.</param>
    /// <param name="environment">The engine's clock, names and log.</param>
    /// <param name="firing">Starts what is due.</param>
    /// <param name="pollInterval">How often schedules are read without a signal.</param>
    public ScheduleLoop(IScheduleStore store, RunEnvironment environment, ScheduleFiring firing, TimeSpan pollInterval)
    {
        (this.store, this.environment, this.firing) = (store, environment, firing);
        this.pollInterval = pollInterval < WaitingInterval ? WaitingInterval : pollInterval;
        timer = new MomentTimer(environment.Clock, wake.Set, stopping.Token);
    }

    /// <summary>Begins to follow: every moment from the beginning of this call on is a schedule's to fire.</summary>
    public Task BeginAsync(CancellationToken cancellationToken)
    {
        NoteChange();
        return ReadAsync(cancellationToken);
    }

    public void Start() => loop = Task.Run(RunAsync);

    /// <summary>A schedule may have changed: from now on, not from when that is read, its moments count.</summary>
    public void Changed()
    {
        NoteChange();
        wake.Set();
    }

    /// <summary>A workflow has ended, perhaps one for which a moment waits.</summary>
    public void Ended(string workflowId)
    {
        if (anyWaiting && (workflowId.Length == 0 || workflowId.StartsWith("sched-", StringComparison.Ordinal)))
        {
            wake.Set();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        timer.Dispose();
        stopping.Dispose();
        wake.Dispose();
    }

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(stopping.Token).ConfigureAwait(false);
                await wake.WaitAsync(anyWaiting || anyFailed ? WaitingInterval : pollInterval, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // A loop that ends would let moments pass: it says what happened and goes on.
                environment.Logger.ScheduleLoopFailed(exception);
                stale = true;
                await Task.Delay(WaitingInterval, TimeProvider.System, stopping.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        if (stale || TimeProvider.System.GetElapsedTime(lastRead) >= pollInterval)
        {
            await ReadAsync(cancellationToken).ConfigureAwait(false);
        }

        // What failed is tried again after a while, and is no moment to wait for. What has become due while the others were fired is one.
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

    /// <summary>Fires what is due of one schedule; whatever stands in its way, the others are not held up by it for long.</summary>
    /// <returns>True if more of it is due.</returns>
    private async Task<bool> FireAsync(SchedulePlan plan, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(FiringMax);
        try
        {
            if (!await firing.FireDueAsync(plan, limit.Token).ConfigureAwait(false))
            {
                // Paused, deleted or changed meanwhile, without a word that has come here yet.
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
                // What goes on after a pause of which nothing was heard has the moment of that in its row: moments since then count, though
                // it is seen only now.
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
            // What has changed since then is still to be read, and its moments count from then.
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
