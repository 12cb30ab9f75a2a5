using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

public partial class WorkflowClient
{
    /// <summary>Changes the priority of a workflow that waits in a queue, or is delayed.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="priority">Its new priority: lower numbers first, 0 before all others.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>True if it applied; false if the workflow has been started, has ended, or does not exist.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The priority is negative.</exception>
    public Task<bool> SetPriorityAsync(string workflowId, int priority, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        ArgumentOutOfRangeException.ThrowIfNegative(priority);
        return starts.SetPriorityAsync(workflowId, priority, cancellationToken);
    }

    /// <summary>Changes how long a delayed start is held back, counted from now on the database's clock.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="delay">The new delay; zero lets it go at once.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>
    /// True if it applied; false if the workflow is not delayed: also if it has started and now waits for something of its own.
    /// </returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative or longer than a hundred years.</exception>
    public Task<bool> SetDelayAsync(string workflowId, TimeSpan delay, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        var checkedDelay = new StartOptions { Delay = delay }.Delay!.Value;
        return starts.SetDelayAsync(workflowId, new DelayEnd((long)Math.Ceiling(checkedDelay.TotalMilliseconds), null), cancellationToken);
    }

    /// <summary>Changes until when a delayed start is held back.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="until">The moment; one that has passed lets it go at once.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>
    /// True if it applied; false if the workflow is not delayed: also if it has started and now waits for something of its own.
    /// </returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public Task<bool> SetDelayAsync(string workflowId, DateTimeOffset until, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        return starts.SetDelayAsync(workflowId, new DelayEnd(null, EpochMs.NotBefore(until)), cancellationToken);
    }

    /// <summary>Makes a debouncer: of a burst of calls with one key one workflow comes, with the input of the last call.</summary>
    /// <param name="definition">What to start; it need not be registered here if a queue is named.</param>
    /// <param name="atMost">
    /// How long after its first call a workflow starts at the latest. Null, the default: as long as calls go on.
    /// </param>
    /// <param name="queue">The queue it enters when it starts, by name; null, the default, for the internal one.</param>
    /// <typeparam name="TIn">The workflow's input type.</typeparam>
    /// <typeparam name="TOut">The workflow's result type.</typeparam>
    /// <returns>The debouncer; it holds nothing and needs no disposing.</returns>
    /// <exception cref="ArgumentException">The queue's name is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="atMost"/> is not longer than zero, or too long.</exception>
    public Debouncer<TIn, TOut> Debounce<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, TimeSpan? atMost = null, string? queue = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return new Debouncer<TIn, TOut>(this, definition, atMost, queue);
    }

    internal async Task<string> DebounceAsync(
        WorkflowDefinition definition, object? input, StartOptions options, DebounceCall call, CancellationToken cancellationToken)
    {
        ThrowIfStopping("start a workflow");
        var request = Debouncing.Request(Core.Starts, definition, input, options, call);
        return await starts.DebounceAsync(request, call.AtMostMs, cancellationToken).ConfigureAwait(false);
    }
}
