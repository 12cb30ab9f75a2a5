namespace Dbos.Fluent.Definitions;

/// <summary>A body that runs a user's async iterator with a result.</summary>
internal sealed class IteratorBody<TOut>(IAsyncEnumerator<StepOr<TOut>> iterator, string workflowName) : IWorkflowBody
{
    public Step? Step { get; private set; }

    public object? Result { get; private set; }

    // Nobody knows what the user's code does next.
    public bool IsAtItsEnd => false;

    public async ValueTask<bool> MoveNextAsync()
    {
        if (!await iterator.MoveNextAsync().ConfigureAwait(false))
        {
            throw new InvalidOperationException(
                $"Workflow '{workflowName}' ended without a result: yield one on every path (yield return value;), "
                + "or define it without a result type.");
        }

        var current = iterator.Current;
        if (current is { Step: null, IsResult: false })
        {
            throw new InvalidOperationException(
                $"Workflow '{workflowName}' yielded neither a step nor a result. Was `default` or a null step yielded? "
                + "Yield the result itself, or StepOr.Result(value) for an interface type.");
        }

        Step = current.Step;
        if (current.IsResult)
        {
            Result = current.Value;   // Boxed once, at the end, not at each yield.
        }

        return true;
    }

    public ValueTask DisposeAsync() => iterator.DisposeAsync();
}

/// <summary>A body that runs a user's async iterator without a result: its end is its success.</summary>
internal sealed class IteratorBody(IAsyncEnumerator<Step> iterator, string workflowName) : IWorkflowBody
{
    public Step? Step { get; private set; }

    public object? Result => default(Unit);

    public bool IsAtItsEnd => false;

    public async ValueTask<bool> MoveNextAsync()
    {
        if (!await iterator.MoveNextAsync().ConfigureAwait(false))
        {
            Step = null;
            return false;
        }

        Step = iterator.Current ?? throw new InvalidOperationException($"Workflow '{workflowName}' yielded null instead of a step.");
        return true;
    }

    public ValueTask DisposeAsync() => iterator.DisposeAsync();
}
