namespace Dbos.Fluent;

/// <summary>A step with a result.</summary>
/// <typeparam name="T">The result's type.</typeparam>
public class Step<T> : Step
{
    private Definitions.StepSlot<T> slot = new();

    private protected Step(string name)
        : base(name)
    {
    }

    /// <summary>The result, available once the workflow continues after yielding the step.</summary>
    /// <value>Always the decoded form of the stored result, also on the first run, so a replay cannot see anything else.</value>
    /// <exception cref="InvalidOperationException">The step has not run: it was not yielded, or the result is read too early.</exception>
    /// <exception cref="StepFailedException">
    /// The step failed. The exception carries the recorded failure and is the same on a replay.
    /// </exception>
    /// <exception cref="WorkflowFailedException">An awaited child failed.</exception>
    /// <exception cref="AwaitedWorkflowCancelledException">An awaited child was cancelled.</exception>
    /// <exception cref="SerializationFailedException">
    /// The step belongs to a group that lost a race or failed, and the result it had stored cannot be decoded; this ends the workflow.
    /// </exception>
    public T Result => slot.Read(Name);

    /// <summary>True if the step has run and succeeded; false before it has run or after a failure.</summary>
    public bool Succeeded => slot.Succeeded;

    /// <summary>The recorded failure; null before the step has run or after a success.</summary>
    public RecordedFailure? Error => slot.Failure;

    internal override Type ResultType => typeof(T);

    internal override object? ResultValue => slot.Read(Name);

    internal override Func<Exception>? Unreadable => slot.Unreadable;

    internal override RecordedFailure? RecordedError => slot.Failure;

    internal override Exception? RecordedException => slot.Exception;

    /// <summary>Names the descriptor, so that its <see cref="Result"/> can be read after it was yielded.</summary>
    /// <param name="step">This descriptor.</param>
    /// <returns>This descriptor.</returns>
    public Step<T> As(out Step<T> step) => step = this;

    /// <summary>
    /// Names the descriptor and prevents a failure from ending the workflow: see <see cref="Succeeded"/> and <see cref="Error"/>.
    /// </summary>
    /// <param name="step">The tolerant descriptor; it shares its result with this one.</param>
    /// <returns>The tolerant descriptor.</returns>
    public Step<T> Try(out Step<T> step)
    {
        var tolerant = Copy();
        tolerant.Tolerant = true;
        return step = tolerant;
    }

    internal override IEnumerable<object> ResultSlots => [slot];

    internal override void Bind(object run) => slot.Bind(run, Name);

    internal override void Complete(object? result) => slot.Complete((T)result!);

    internal override void CompleteUnreadable(Func<Exception> read) => slot.CompleteUnreadable(read);

    internal override void Fail(RecordedFailure failure, Exception exception) => slot.Fail(failure, exception);

    internal override void CopyOutcomeFrom(Step clone) => slot.CopyFrom(((Step<T>)clone).slot);

    internal override Step CloneWithNewSlot()
    {
        var copy = Copy();
        copy.slot = new();
        return copy;
    }

    /// <summary>The outcome of the step, as data.</summary>
    internal StepOutcome<T> ToOutcome() => slot.Failure is { } failure ? new(false, default, failure) : new(true, Result, null);

    /// <summary>Makes a second descriptor for a changed modifier; it shares the result with this one.</summary>
    private protected Step<T> Copy() => (Step<T>)MemberwiseClone();
}
