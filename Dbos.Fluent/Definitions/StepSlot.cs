namespace Dbos.Fluent.Definitions;

/// <summary>The place where a step's result appears, shared by all modifiers of one descriptor.</summary>
internal sealed class StepSlot<T>
{
    private object? run;
    private T? value;
    private bool complete;

    public bool Succeeded => complete && Exception is null;

    public Exception? Exception { get; private set; }

    public RecordedFailure? Failure { get; private set; }

    public void Bind(object runOfDescriptor, string name)
    {
        if (Interlocked.CompareExchange(ref run, runOfDescriptor, null) is { } first && first != runOfDescriptor)
        {
            throw new InvalidOperationException(
                $"Step '{name}' was yielded by two runs: a descriptor belongs to one run. "
                + "Make it inside the workflow's body, not in a static field.");
        }

        (complete, Exception, Failure) = (false, null, null);
    }

    public void Complete(T result) => (value, complete) = (result, true);

    public void Fail(RecordedFailure failure, Exception thrown) => (Failure, Exception, complete) = (failure, thrown, true);

    public T Read(string name)
    {
        if (!complete)
        {
            throw new InvalidOperationException(
                $"The result of step '{name}' was read before the step ran: yield the step first, and read the result after the yield.");
        }

        return Exception is null ? value! : throw Exception;
    }
}
