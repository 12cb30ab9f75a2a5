using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>
/// Starts a workflow once a key has been quiet for a period: of a burst of calls one workflow comes, with the input of the last.
/// </summary>
/// <remarks>
/// It holds nothing in memory: any process may make the next call. The key is free again once the period is over, or the
/// workflow was cancelled: one that waits in its queue from then on is not changed any more.
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
        // Whatever is wrong with the limit is said where it is given.
        _ = new DebounceCall("key", TimeSpan.Zero, atMost, new StartOptions());
        (this.client, this.definition, this.atMost) = (client, definition, atMost);
        this.queue = queue is null ? null : Names.CheckName(queue, nameof(queue));
    }

    /// <summary>
    /// Puts off the start of the key's workflow by the period, or begins with one; its input is this call's until the next.
    /// </summary>
    /// <param name="key">What calls belong together, among those of this workflow and queue.</param>
    /// <param name="period">
    /// How long the key must be quiet from now; zero starts it at once. A shorter period than that of the call before brings the start
    /// forward.
    /// </param>
    /// <param name="input">The input, unless a later call brings another.</param>
    /// <param name="options">
    /// How it is started; without delay and deduplication id. Only those of the first call count, but for the application version: that
    /// is the latest call's, like the input. Null for the defaults.
    /// </param>
    /// <param name="cancellationToken">Gives up the waiting; the call has then taken effect or not.</param>
    /// <returns>A handle to the workflow that will run: the same for all calls that are one burst.</returns>
    /// <exception cref="ArgumentException">The key is not a name, or the options do not go together, or with the queue.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="period"/> is negative or over a hundred years.</exception>
    /// <exception cref="ConflictingWorkflowException">The id in the options belongs to another definition.</exception>
    /// <exception cref="WorkflowIdInUseException">The id in the options is in use and may not be.</exception>
    /// <exception cref="QueueDeduplicatedException">A workflow that was started otherwise holds the key in the queue.</exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task<WorkflowHandle<TOut>> CallAsync(
        string key, TimeSpan period, TIn input, StartOptions? options = null, CancellationToken cancellationToken = default)
    {
        var given = options ?? new StartOptions();
        given = given.Queue is null && queue is not null ? given with { Queue = queue } : given;
        var call = new DebounceCall(key, period, atMost, given);
        var id = await client.DebounceAsync(definition, input, given, call, cancellationToken).ConfigureAwait(false);
        return new WorkflowHandle<TOut>(id, client.Core);
    }
}
