using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>
/// Starts a workflow once a key has been quiet for a period: a burst of calls starts one workflow, with the input of the last call.
/// </summary>
/// <remarks>
/// It holds nothing in memory: any process may make the next call. The key is free again once the period is over or the workflow was
/// cancelled. From then on, calls do not change that workflow, even while it waits in its queue.
/// Safe for concurrent use.
/// </remarks>
/// <typeparam name="TIn">The workflow's input type.</typeparam>
/// <typeparam name="TOut">The workflow's result type.</typeparam>
public sealed class Debouncer<TIn, TOut>
{
    private readonly WorkflowClient client;
    private readonly WorkflowDefinition<TIn, TOut> definition;
    private readonly TimeSpan? atMost;
    private readonly string? queue;

    internal Debouncer(WorkflowClient client, WorkflowDefinition<TIn, TOut> definition, TimeSpan? atMost, string? queue)
    {
        (this.client, this.definition) = (client, definition);
        this.atMost = DebounceCall.CheckAtMost(atMost, nameof(atMost));
        this.queue = queue is null ? null : Names.CheckName(queue, nameof(queue));
    }

    /// <summary>
    /// Postpones the start of the key's workflow by the period, or adds a workflow for the key. It has the input of the latest call.
    /// </summary>
    /// <param name="key">The key that calls of one burst share, among calls for this workflow and queue.</param>
    /// <param name="period">
    /// How long the key must be quiet from now; zero starts the workflow at once. A shorter period than the previous call's brings the
    /// start forward.
    /// </param>
    /// <param name="input">The input, unless a later call replaces it.</param>
    /// <param name="options">
    /// How the workflow is started, without delay and deduplication id. Only the options of a burst's first call count, except for the
    /// application version: like the input, it is that of the latest call. Null for the defaults.
    /// </param>
    /// <param name="cancellationToken">Cancels the wait; the call may still have taken effect.</param>
    /// <returns>A handle to the workflow that will run: the same for all calls of a burst.</returns>
    /// <exception cref="ArgumentException">The key is invalid, or the options contradict each other or the queue.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="period"/> is negative or over a hundred years.</exception>
    /// <exception cref="ConflictingWorkflowException">The id in the options belongs to another definition.</exception>
    /// <exception cref="WorkflowIdInUseException">The id in the options is in use, and the options reject that.</exception>
    /// <exception cref="QueueDeduplicatedException">
    /// The key's deduplication id in the queue, which is made of the definition's name and the key, is held by a plain start, by a
    /// debounced one of another application, or by one whose name and key make up the same text.
    /// </exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task<WorkflowHandle<TOut>> CallAsync(
        string key, TimeSpan period, TIn input, StartOptions? options = null, CancellationToken cancellationToken = default)
    {
        var given = options ?? new StartOptions();
        given = given.Queue is null && queue is not null ? given with { Queue = queue } : given;
        var call = new DebounceCall(key, period, atMost, given);
        var id = await client.DebounceAsync(definition, input, given, call, cancellationToken).ConfigureAwait(false);
        return new WorkflowHandle<TOut>(id, client.Core.Outcomes);
    }
}
