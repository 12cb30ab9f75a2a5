namespace Dbos.Fluent.Definitions;

/// <summary>The facts of one attempt of a step, as execution hands them to the body's context.</summary>
internal sealed record StepAttempt(string WorkflowId, int Sequence, string IdempotencyKey, int Number, int NumberMax)
{
    public required CancellationToken CancellationToken { get; init; }

    public required Func<CancellationReason> Reason { get; init; }

    public required StepServices Services { get; init; }

    /// <summary>Null where nothing runs behind the body, such as in a test of it.</summary>
    public IStepOutlet? Outlet { get; init; }

    /// <summary>Null where nothing runs behind the body.</summary>
    public WorkflowClient? Workflows { get; init; }
}
