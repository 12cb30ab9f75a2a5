using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

/// <summary>The input of a step's body: its token, its place, its key. It belongs to one attempt; do not keep it longer.</summary>
public class StepContext
{
    private readonly StepAttempt attempt;

    internal StepContext(StepAttempt attempt) => this.attempt = attempt;

    /// <summary>Fires on cancel, deadline, step timeout and shutdown; pass it to everything the body awaits.</summary>
    public CancellationToken CancellationToken => attempt.CancellationToken;

    /// <summary>Why <see cref="CancellationToken"/> fired; <see cref="CancellationReason.None"/> before it fires.</summary>
    public CancellationReason CancellationReason => attempt.Reason();

    /// <summary>The number of this attempt, from 1. After a crash it starts at 1 again.</summary>
    public int Attempt => attempt.Number;

    /// <summary>The attempts allowed; 1 without <see cref="RunStep{T}.Retry"/>.</summary>
    public int MaxAttempts => attempt.NumberMax;

    /// <summary>The workflow's id.</summary>
    public string WorkflowId => attempt.WorkflowId;

    /// <summary>The step's sequence number, from 0.</summary>
    public int Sequence => attempt.Sequence;

    /// <summary>
    /// <c>{workflow id}:{sequence}</c>: the same on each attempt, after a recovery and after a rewind, for services that drop duplicates by
    /// key; a fork has another one. A workflow that has continued as new inserts the number of its generation:
    /// <c>{workflow id}:{generation}:{sequence}</c>.
    /// </summary>
    public string IdempotencyKey => attempt.IdempotencyKey;

    /// <summary>The application's services, as given to the engine, in a scope for this attempt; empty if none were given.</summary>
    /// <remarks>
    /// The scope is created when this property is first read, and disposed with its services when the body has ended. Concurrent steps, and
    /// attempts of one step, share no scoped service. A provider that has no scopes is returned as it is.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">The body, and with it the scope, has ended.</exception>
    public IServiceProvider Services => attempt.Services.Provider;

    /// <summary>This workflow's own messages, events and streams: inline, at least once, not recorded.</summary>
    public StepClient Client => new(attempt.Outlet, attempt.Sequence);

    /// <summary>
    /// The engine as a client: starts, cancels, forks, lists and so on, from inside a step. Each call runs as often as the body does and is
    /// not recorded; a workflow it starts is no child of this workflow.
    /// </summary>
    public WorkflowClient Workflows => attempt.Workflows;

    /// <summary>Converts a context to its token.</summary>
    /// <param name="context">The context.</param>
    public static implicit operator CancellationToken(StepContext context) => context.CancellationToken;
}
