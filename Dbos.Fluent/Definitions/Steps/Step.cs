namespace Dbos.Fluent;

/// <summary>
/// Describes one durable operation that a workflow yields. A descriptor does nothing by itself: the engine that receives it does.
/// </summary>
/// <remarks>
/// Its outcome is stored once, under the sequence number at which it was yielded; on a replay the stored outcome is restored and nothing
/// runs. A descriptor belongs to one run of one workflow: yielded twice there it is two steps, yielded by a second run it is an error.
/// Immutable but for the place where its result appears, which all modifiers of one descriptor share.
/// </remarks>
public abstract partial class Step
{
    private protected Step(string name) => Name = name;

    /// <summary>The name under which the outcome is stored; a built-in step's begins with <c>DBOS.</c></summary>
    public string Name { get; }

    /// <summary>True if a failure is left in the descriptor and does not end the workflow.</summary>
    internal bool Tolerant { get; private protected set; }

    /// <summary>How many sequence numbers it takes.</summary>
    internal virtual int Slots => 1;

    /// <summary>The type of its result, in which the stored outcome is decoded.</summary>
    internal abstract Type ResultType { get; }

    /// <summary>Where results appear: its own, and those of its members. Copies of a descriptor share theirs.</summary>
    internal abstract IEnumerable<object> ResultSlots { get; }

    /// <summary>Copies the outcome, and those of its members, from a clone of this descriptor.</summary>
    internal abstract void CopyOutcomeFrom(Step clone);

    /// <summary>A copy with result slots of its own, for a descriptor that a group lists more than once.</summary>
    internal abstract Step CloneWithNewSlot();

    /// <summary>
    /// Binds the descriptor, and its members, to the run that yielded it and clears what an earlier yield in that run left.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another run has yielded it.</exception>
    internal abstract void Bind(object run);

    /// <summary>Clears an outcome that no row records. Called on the members of a group that failed and on the losers of a race.</summary>
    /// <returns>True if the rows record the outcome, so that nothing was cleared.</returns>
    internal virtual bool ClearUnrecorded(object run) => true;

    /// <summary>Puts a decoded result where the workflow reads it.</summary>
    internal abstract void Complete(object? result);

    /// <summary>
    /// Says that the step has succeeded with a result that cannot be decoded; reading it throws what <paramref name="read"/> gives.
    /// </summary>
    internal abstract void CompleteUnreadable(Func<Exception> read);

    /// <summary>What reading the result of a step gives that has succeeded with one that cannot be decoded; null for any other.</summary>
    internal abstract Func<Exception>? Unreadable { get; }

    /// <summary>The decoded result of a step that has completed.</summary>
    internal abstract object? ResultValue { get; }

    /// <summary>The failure that the workflow sees in place of the result; null after a success and before the step has run.</summary>
    internal abstract RecordedFailure? RecordedError { get; }

    /// <summary>What reading the result of a failed step throws; null where there is no failure.</summary>
    internal abstract Exception? RecordedException { get; }

    /// <summary>Puts a failure where the workflow reads it; <paramref name="exception"/> is what reading the result throws.</summary>
    internal abstract void Fail(RecordedFailure failure, Exception exception);
}
