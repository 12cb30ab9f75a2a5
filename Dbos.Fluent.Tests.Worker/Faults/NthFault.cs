namespace Dbos.Fluent.Tests.Worker.Faults;

/// <summary>Fails the n-th call of one kind, before or after it took effect.</summary>
/// <param name="kind">The kind of call.</param>
/// <param name="number">Which of them, from 1.</param>
/// <param name="afterEffect">True to lose the acknowledgement, false to lose the call.</param>
/// <param name="times">How many calls in a row fail.</param>
internal sealed class NthFault(StoreCallKind kind, int number, bool afterEffect, int times = 1) : IStoreFaults
{
    private int calls;

    /// <summary>How many calls have failed.</summary>
    public int Failed { get; private set; }

    public Task BeforeAsync(StoreCall call, CancellationToken cancellationToken)
    {
        if (call.Kind == kind)
        {
            calls++;
            FailIf(!afterEffect);
        }

        return Task.CompletedTask;
    }

    public Task AfterAsync(StoreCall call, CancellationToken cancellationToken)
    {
        if (call.Kind == kind)
        {
            FailIf(afterEffect);
        }

        return Task.CompletedTask;
    }

    private void FailIf(bool here)
    {
        if (here && calls >= number && calls < number + times)
        {
            Failed++;
            throw CallFaults.Unavailable(afterEffect ? "The answer was lost." : "The call was lost.");
        }
    }
}
