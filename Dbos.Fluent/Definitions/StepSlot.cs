namespace Dbos.Fluent.Definitions;

/// <summary>The place where a step's result appears, shared by all modifiers of one descriptor.</summary>
internal sealed class StepSlot<T>
{
    private object? run;
    private T? value;
    private Exception? exception;
    private bool complete;

    public bool Succeeded => complete && exception is null;

    public RecordedFailure? Failure { get; private set; }

    public void Bind(object runOfDescriptor, string name)
    {
        if (Interlocked.CompareExchange(ref run, runOfDescriptor, null) is { } first && first != runOfDescriptor)
        {
            throw new InvalidOperationException(
                $"Step '{name}' was yielded by two runs: a descriptor belongs to one run. Make it inside the workflow's body, not in a static field.");
        }

        (complete, exception, Failure) = (false, null, null);
    }

    public void Complete(T result) => (value, complete) = (result, true);

    public void Fail(RecordedFailure failure, Exception thrown) => (Failure, exception, complete) = (failure, thrown, true);

    public T Read(string name)
    {
        if (!complete)
        {
            throw new InvalidOperationException(
                $"The result of step '{name}' was read before the step ran: yield the step first, and read the result after the yield.");
        }

        return exception is null ? value! : throw exception;
    }
}
