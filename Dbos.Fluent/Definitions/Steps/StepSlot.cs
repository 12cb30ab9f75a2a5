namespace Dbos.Fluent.Definitions;

/// <summary>Holds a step's result, shared by all modified copies of one descriptor.</summary>
internal sealed class StepSlot<T>
{
    private object? run;
    private T? value;
    private bool complete;

    // One field for rare data, because a slot is made at each yield and most steps succeed.
    private Fault? fault;

    public bool Succeeded => complete && fault?.Failure is null;

    public Exception? Exception => fault?.Exception;

    public RecordedFailure? Failure => fault?.Failure;

    public Func<Exception>? Unreadable => fault?.Unreadable;

    public void Bind(object runOfDescriptor, string name)
    {
        if (Interlocked.CompareExchange(ref run, runOfDescriptor, null) is { } first && first != runOfDescriptor)
        {
            throw new InvalidOperationException(
                $"Step '{name}' was yielded by two runs: a descriptor belongs to one run. "
                + "Make it inside the workflow's body, not in a static field.");
        }

        (complete, fault) = (false, null);
    }

    public void Complete(T result) => (value, complete) = (result, true);

    public void CompleteUnreadable(Func<Exception> read) => (fault, complete) = (new Fault(null, null, read), true);

    public void Fail(RecordedFailure failure, Exception thrown) => (fault, complete) = (new Fault(failure, thrown, null), true);

    public void CopyFrom(StepSlot<T> other) => (value, complete, fault) = (other.value, other.complete, other.fault);

    public T Read(string name)
    {
        if (!complete)
        {
            throw new InvalidOperationException(
                $"The result of step '{name}' was read before the step ran: yield the step first, and read the result after the yield.");
        }

        return fault is null ? value! : throw fault.Exception ?? fault.Unreadable!();
    }

    /// <summary>Why there is no result to read: the step failed, or its result cannot be decoded.</summary>
    private sealed record Fault(RecordedFailure? Failure, Exception? Exception, Func<Exception>? Unreadable);
}
