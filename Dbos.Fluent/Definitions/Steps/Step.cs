namespace Dbos.Fluent;

/// <summary>
/// Describes one durable operation that a workflow yields. A descriptor does nothing by itself: the engine that receives it acts.
/// </summary>
/// <remarks>
/// The outcome is stored once, under the sequence number at which the descriptor was yielded. On a replay the stored outcome is restored
/// and nothing runs. A descriptor belongs to one run of one workflow: yielded twice there it is two steps, yielded by a second run it is an
/// error. It is immutable except for its result, which all modified copies of one descriptor share.
/// </remarks>
public abstract partial class Step
{
    private protected Step(string name) => Name = name;

    /// <summary>The name under which the outcome is stored; a built-in step's name begins with <c>DBOS.</c></summary>
    public string Name { get; }

    /// <summary>True if a failure stays in the descriptor and does not end the workflow.</summary>
    internal bool Tolerant { get; private protected set; }

    /// <summary>How many sequence numbers the step takes.</summary>
    internal virtual int Slots => 1;

    /// <summary>The result's type, as which the stored outcome is decoded.</summary>
    internal abstract Type ResultType { get; }

    /// <summary>The slots of its result and of its members' results. Copies of a descriptor share their slots.</summary>
    internal abstract IEnumerable<object> ResultSlots { get; }

    /// <summary>Copies the outcome, and those of its members, from a clone of this descriptor.</summary>
    internal abstract void CopyOutcomeFrom(Step clone);

    /// <summary>Makes a copy with its own result slots, for a descriptor that a group lists more than once.</summary>
    internal abstract Step CloneWithNewSlot();

    /// <summary>
    /// Binds the descriptor and its members to the run that yielded it, and clears the outcome of an earlier yield in that run.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another run has yielded it.</exception>
    internal abstract void Bind(object run);

    /// <summary>Clears an outcome that no row records. Called on the members of a group that failed and on the losers of a race.</summary>
    /// <returns>True if the rows record the outcome, so that nothing was cleared.</returns>
    internal virtual bool ClearUnrecorded(object run) => true;

    /// <summary>Puts a decoded result where the workflow reads it.</summary>
    internal abstract void Complete(object? result);

    /// <summary>
    /// Reports that the step succeeded with a result that cannot be decoded; reading it throws the exception from <paramref name="read"/>.
    /// </summary>
    internal abstract void CompleteUnreadable(Func<Exception> read);

    /// <summary>Makes the exception that reading an undecodable result throws; null if the step has no such result.</summary>
    internal abstract Func<Exception>? Unreadable { get; }

    /// <summary>The decoded result of a step that has completed.</summary>
    internal abstract object? ResultValue { get; }

    /// <summary>The failure that the workflow sees instead of the result; null after a success and before the step has run.</summary>
    internal abstract RecordedFailure? RecordedError { get; }

    /// <summary>The exception that reading the result of a failed step throws; null if there is no failure.</summary>
    internal abstract Exception? RecordedException { get; }

    /// <summary>Puts a failure where the workflow reads it; reading the result throws <paramref name="exception"/>.</summary>
    internal abstract void Fail(RecordedFailure failure, Exception exception);
}
