namespace Dbos.Fluent.Definitions;

/// <summary>The facts of one attempt of a step, as execution hands them to the body's context.</summary>
internal sealed record StepAttempt(string WorkflowId, int Sequence, string IdempotencyKey, int Number, int NumberMax)
{
    public required CancellationToken CancellationToken { get; init; }

    public required Func<CancellationReason> Reason { get; init; }

    public required StepServices Services { get; init; }

    public required IStepOutlet Outlet { get; init; }

    public required WorkflowClient Workflows { get; init; }
}
